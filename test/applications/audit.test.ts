import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Application } from './support/application.js';

describe('An application with audit subscribers and ids of its own types', () => {
  let database: TestDatabase;
  let application: Application;
  let ids: { id: string; comments: string[] }[];

  beforeAll(async () => {
    database = await createTestDatabase();
    application = await Application.open('es-modules/dist/audit/main.js', { DATABASE_URL: database.url });
  });

  afterAll(async () => {
    await application?.close();
    await database?.drop();
  });

  const ask = (method: string, path: string, body?: unknown) =>
    application.request(method, path, { headers: { 'x-user': 'ada' }, body });

  beforeEach(async () => {
    await database.query('truncate document, comment restart identity');
    ids = [];
    for (const [title, comments] of [
      ['Minutes', ['Agreed', 'Typo']],
      ['Report', ['Long']],
    ]) {
      ids.push((await ask('POST', '/documents', { title, comments })).body);
    }
    await database.query('truncate audit_entry');
    await ask('GET', '/events');
  });

  /** Per row what is deleted, by whom. */
  const rows = async () => {
    const documents = await database.query('select * from document order by id');
    const comments = await database.query('select * from comment order by text');
    return Object.fromEntries(
      [...documents, ...comments].map((row) => [
        row.title ?? row.text,
        row.deleted_at ? (row.deleted_by ?? true) : false,
      ]),
    );
  };
  const trail = async () =>
    (
      await database.query(
        'select listener, action, entity, key, fields from audit_entry order by entity, key, listener',
      )
    ).map((row) => ({ ...row }));
  const untouched = { Minutes: false, Report: false, Agreed: false, Typo: false, Long: false };

  it('has prefixed ids over numbers, and UUIDs', async () => {
    expect(ids).toEqual([
      { id: 'doc_1', comments: [expect.stringMatching(/^[\da-f-]{36}$/), expect.any(String)] },
      { id: 'doc_2', comments: [expect.any(String)] },
    ]);
    expect(await database.query('select id::int from document order by id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('signs what the unit of work deletes, and shows the change to listeners before and after', async () => {
    expect((await ask('DELETE', '/documents/doc_1/entity')).status).toBe(200);
    expect(await rows()).toEqual({ ...untouched, Minutes: 'ada', Agreed: true, Typo: true });
    const change = { action: 'update_early', entity: 'Document', key: 'doc_1', fields: ['deletedAt'] };
    expect(await trail()).toEqual([
      { ...change, listener: 'first' },
      { ...change, listener: 'last' },
    ]);
  });

  it('deletes by the prefixed id, tells it to listeners of events, and hides the row', async () => {
    expect((await ask('DELETE', '/documents/doc_1')).body).toMatchObject({ affected: { Document: 1, Comment: 2 } });
    expect(await rows()).toEqual({ ...untouched, Minutes: true, Agreed: true, Typo: true });
    expect((await ask('GET', '/documents')).body).toEqual([{ id: 'doc_2', comments: ['Long'] }]);
    await ask('DELETE', '/documents/doc_2/entity');
    expect((await ask('GET', '/documents')).body).toEqual([]);
    const events = (await ask('GET', '/events')).body;
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'deleted', entity: 'Document', count: 1, actor: 'ada' }),
        expect.objectContaining({ type: 'deleted', entity: 'Document', keys: ['doc_2'], actor: 'ada' }),
        expect.objectContaining({ type: 'deleted', entity: 'Comment', count: 1, actor: 'ada' }),
      ]),
    );
  });

  it('restores the unit by the prefixed id', async () => {
    await ask('DELETE', `/comments/${ids[0]!.comments[0]}`);
    await ask('DELETE', '/documents/doc_1');
    expect((await ask('POST', '/documents/doc_1/restore')).body).toEqual({
      affected: { Document: 1, Comment: 1 },
      total: 2,
    });
    expect(await rows()).toEqual({ ...untouched, Agreed: true });
  });

  it('deletes softly what a later subscriber removes before the flush, in one unit', async () => {
    expect((await ask('PATCH', '/documents/doc_1')).body).toEqual({ deletedAt: expect.any(String), deletedBy: 'ada' });
    expect(await rows()).toEqual({ ...untouched, Minutes: 'ada', Agreed: true, Typo: true });
    expect(
      await database.query(
        'select distinct deleted_at from (select deleted_at from document union all select deleted_at from comment) where deleted_at is not null',
      ),
    ).toHaveLength(1);
  });

  it('deletes orphans softly', async () => {
    expect((await ask('DELETE', '/documents/doc_1/comments')).status).toBe(200);
    expect(await rows()).toEqual({ ...untouched, Agreed: 'ada', Typo: 'ada' });
    expect(await database.query('select distinct document_id::int as id from comment order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect((await ask('GET', '/documents')).body).toEqual([
      { id: 'doc_1', comments: [] },
      { id: 'doc_2', comments: ['Long'] },
    ]);
  });

  it('purges what is past its retention, and leaves the trail', async () => {
    await ask('DELETE', '/documents/doc_1/entity');
    const before = await trail();
    await database.query(
      `update document set deleted_at = deleted_at - interval '31 days';
       update comment set deleted_at = deleted_at - interval '31 days'`,
    );
    expect((await ask('POST', '/purge')).body).toMatchObject({ outcome: 'completed', total: 3 });
    expect(await rows()).toEqual({ Report: false, Long: false });
    expect(await trail()).toEqual(before);
  });
});
