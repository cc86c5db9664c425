import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { runCommand, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Larger than any number of JavaScript, so that it is a bigint there. */
const KEY = '9007199254740993';
const config = (url: string) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/index.js';
import { softDelete } from './lib/soft-delete.extension.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const Page = softDeletable(defineEntity({
  name: 'Page', tableName: 'page', properties: { id: p.bigint('bigint').primary(), title: p.text() },
}), { strategy: 'archive', retention: '30d' });
const Note = softDeletable(defineEntity({
  name: 'Note', tableName: 'note',
  properties: { id: p.bigint('bigint').primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
}), { retention: '30d' });
export default defineConfig({
  clientUrl: '${url}', entities: [Page, Note, ...complianceEntities()], extensions: [softDelete()],
});
`;
const Page = softDeletable(
  defineEntity({
    name: 'Page',
    tableName: 'page',
    properties: { id: p.bigint('bigint').primary(), title: p.text() },
  }),
  { strategy: 'archive', retention: '30d' },
);
const Note = softDeletable(
  defineEntity({
    name: 'Note',
    tableName: 'note',
    properties: {
      id: p.bigint('bigint').primary(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);

describe('soft-delete on entities whose deleted rows are archived, and on large keys', () => {
  let library: CompiledLibrary;
  let test: TestOrm;

  beforeAll(() => {
    library = compileLibrary();
  });
  afterAll(() => library.remove());

  beforeEach(async () => {
    test = await createTestOrm([Page, Note, ...complianceEntities()]);
    await test.database.query(`
      insert into page (id, title) values (${KEY}, 'Home'), (2, 'About');
      insert into note (id, deleted_at) values (${KEY}, now() - interval '40 days')`);
    const em = test.orm.em.fork();
    await (em.getRepository(Page) as any).softDelete([BigInt(KEY), 2n]);
    writeApplication(library, config(test.database.url));
  });
  afterEach(() => test.close());

  const run = (...args: string[]) => runCommand(library, args);
  const pages = async () =>
    (await test.database.query<{ title: string }>('select title from page order by title')).map(({ title }) => title);

  it('lists and restores them, and tells their history', async () => {
    const listed = await run('list', 'Page');
    expect([listed.code, listed.out]).toEqual([0, expect.stringMatching(/^key +title\n(.*\n){2}2 deleted rows\.\n$/)]);
    expect(listed.out).toContain(`${KEY}  Home`);
    expect((await run('list', 'Page', '--limit', '1')).out).toContain('1 of 2 deleted rows.');
    expect((await run('log', 'Page', KEY)).out).toMatch(/archived +2/);
    const preview = await run('restore', 'Page', KEY, '--dry-run');
    expect(preview.out).toContain('1 row would come back.');
    expect(await pages()).toEqual([]);
    expect((await run('restore', 'Page', KEY)).code).toBe(0);
    expect(await pages()).toEqual(['Home']);
  });

  it('says what is in the way of an archived row', async () => {
    await test.database.query(`insert into page (id, title) values (${KEY}, 'Another')`);
    const { code, out } = await run('restore', 'Page', KEY);
    expect([code, out]).toEqual([2, expect.stringMatching(new RegExp(`its key is taken +Page +"?${KEY}"?`))]);
    const json = await run('restore', 'Page', KEY, '--json');
    expect([json.code, JSON.parse(json.out)]).toEqual([
      2,
      expect.objectContaining({ conflicts: [expect.objectContaining({ reason: 'key', key: KEY })] }),
    ]);
    expect(await pages()).toEqual(['Another']);
  });

  it('purges them, too, where others are spared', async () => {
    await test.database.query(
      `alter table deletion_archive disable trigger user; update deletion_archive set unit = unit - interval '31 days'`,
    );
    const spared = await run('purge', '--except', 'Note', '--dry-run', '--json');
    expect(JSON.parse(spared.out.trim().split('\n').at(-1)!)).toMatchObject({
      total: 2,
      entities: [{ entity: 'Page', purged: 2 }],
    });
    expect((await run('purge', '--entity', 'Page')).out).toContain('2 rows removed');
    expect(await test.database.query('select 1 from deletion_archive')).toEqual([]);
    expect(await test.database.query('select 1 from note')).toHaveLength(1);
  });

  it('prints keys that JSON has no number for', async () => {
    expect((await run('list', 'Note')).out).toContain(KEY);
    const preview = await run('restore', 'Note', KEY, '--dry-run', '--json');
    expect([preview.code, JSON.parse(preview.out)]).toEqual([0, expect.objectContaining({ total: 1 })]);
    await test.database.query(`
      create table child (note bigint references note on delete restrict); insert into child values (${KEY})`);
    const purged = await run('purge', '--json');
    expect([purged.code, JSON.parse(purged.out.trim().split('\n').at(-1)!)]).toEqual([
      2,
      expect.objectContaining({ total: 0 }),
    ]);
  });
});
