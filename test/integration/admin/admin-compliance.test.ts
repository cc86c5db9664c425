import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { AdminApp, platforms } from './admin-app.js';
import { Customer, OFFICES, Order, Seat } from './offices.js';

/** Its rows keep who deleted them, for everybody to see. */
@SoftDeletable({ deletedBy: 'deletedBy' })
@Entity()
class Note extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;
}

/** The same, and nobody may see it. */
@SoftDeletable({ deletedBy: 'deletedBy' })
@Entity()
class Whisper extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true, hidden: true })
  deletedBy?: string | null;
}

beforeAll(() => buildAdminPage());

const DATA = `
  truncate customer, "order", invoice, stamp, seat restart identity;
  insert into customer (name, email) values ('Ada', 'ada@example.com'), ('Bob', 'bob@example.com'), ('Cy', 'cy@example.com');
  insert into "order" (customer_id) values (2), (2);
  insert into seat (room, place) values ('a/b', 1);`;

describe.each(platforms)('The admin API over records and holds on %s', (_name, adapter) => {
  let app: AdminApp;
  const may = new Set<string>();

  beforeAll(async () => {
    app = await AdminApp.start(
      adapter,
      {
        entities: [Customer, Order, Seat],
        actor: (context) => context.switchToHttp().getRequest().headers['x-actor'],
        can: (action, entity) => !may.has(`not ${action}`) && !may.has(`not ${action} ${entity?.name}`),
      },
      '',
      undefined,
      { entities: [...OFFICES, ...complianceEntities()] },
    );
  });

  afterAll(() => app?.close());

  beforeEach(async () => {
    may.clear();
    await app.database.query(DATA);
    for (const table of ['deletion_record', 'legal_hold_row', 'legal_hold']) {
      await app.database.query(
        `alter table ${table} disable trigger user; delete from ${table}; alter table ${table} enable trigger user`,
      );
    }
  });

  const ADA = { 'x-actor': 'ada' };
  const remove = async (keys: string[], reason?: string, actor = 'ada') =>
    expect(
      (await app.post('entities/Customer/delete', { keys, ...(reason ? { reason } : {}) }, { 'x-actor': actor }))
        .status,
    ).toBe(200);
  const holds = () =>
    app.database.query('select id, name, reason, placed_by, released_by, release_reason from legal_hold order by id');
  const hold = (keys: string[], entity = 'Customer') =>
    app.post(`entities/${entity}/hold`, { keys, name: 'Miller ./. Smith', reason: 'a dispute' }, ADA);

  it('says who deleted a row and why', async () => {
    await remove(['2'], 'closed her account');
    await remove(['3'], undefined, 'bob');
    const { body } = await app.get('entities/Customer/rows');
    expect(body.rows.map(({ key, actor, reason }: any) => [key, actor, reason])).toEqual([
      ['3', 'bob', null],
      ['2', 'ada', 'closed her account'],
    ]);
    expect((await app.get('entities/Order/rows')).body.rows).toEqual([
      expect.objectContaining({ actor: 'ada', reason: 'closed her account' }),
      expect.objectContaining({ actor: 'ada', reason: 'closed her account' }),
    ]);
  });

  it('finds what somebody deleted', async () => {
    await remove(['2']);
    await remove(['3'], undefined, 'bob');
    const keys = async (query: string) =>
      (await app.get(`entities/Customer/rows?${query}`)).body.rows.map(({ key }: any) => key);
    expect(await keys('actor=ada')).toEqual(['2']);
    expect(await keys('actor=bob&q=cy')).toEqual(['3']);
    expect(await keys('actor=bob&q=ada')).toEqual([]);
    expect(await keys("actor=' or true --")).toEqual([]);
    expect((await app.get('entities/Order/rows?actor=ada')).body.rows).toHaveLength(2);
    const entities = (await app.get('entities')).body;
    expect(new Set(entities.map(({ records }: any) => records))).toEqual(new Set([true]));
    expect(entities.map(({ actors, reason }: any) => [actors, reason])).toEqual(
      [1, 2, 3].map(() => [true, 'optional']),
    );
  });

  it('tells the history of a row', async () => {
    await remove(['2'], 'first');
    await app.post('entities/Customer/restore', { keys: ['2'], reason: 'a mistake' }, ADA);
    await remove(['2'], 'second');
    const { status, body } = await app.get('entities/Customer/rows/2');
    expect(status).toBe(200);
    expect(body.records).toEqual(
      [
        ['deleted', 'second'],
        ['restored', 'a mistake'],
        ['deleted', 'first'],
      ].map(([action, reason]) => ({
        at: expect.any(String),
        action,
        entity: 'Customer',
        count: 1,
        actor: 'ada',
        reason,
      })),
    );
    expect(body.holds).toEqual([]);
  });

  it('places a hold, which keeps the rows, and releases it', async () => {
    await remove(['2']);
    const placed = await hold(['2']);
    expect([placed.status, placed.body]).toEqual([
      200,
      {
        id: expect.any(Number),
        name: 'Miller ./. Smith',
        reason: 'a dispute',
        placedAt: expect.any(String),
        placedBy: 'ada',
        releasedAt: null,
      },
    ]);
    expect((await app.get('entities/Customer/rows')).body.rows).toEqual([
      expect.objectContaining({ key: '2', held: true }),
    ]);
    expect((await app.get('entities/Order/rows')).body.rows.map(({ held }: any) => held)).toEqual([true, true]);
    const details = await app.get('entities/Customer/rows/2');
    expect([details.status, details.body.holds]).toEqual([200, [placed.body]]);
    expect(details.body.blockedBy).toContainEqual(
      expect.objectContaining({ constraint: expect.stringContaining('Miller') }),
    );

    const refused = await app.post('entities/Customer/remove', { keys: ['2'], confirm: '3' });
    expect([refused.status, refused.body]).toEqual([
      409,
      expect.objectContaining({ code: 'LEGAL_HOLD', holds: [{ id: placed.body.id, name: 'Miller ./. Smith' }] }),
    ]);
    expect(await app.database.query('select id from customer where id = 2')).toHaveLength(1);

    const released = await app.delete(`holds/${placed.body.id}`, { reason: 'settled' }, { 'x-actor': 'bob' });
    expect([released.status, released.body.releasedAt]).toEqual([200, expect.any(String)]);
    expect(await holds()).toEqual([
      expect.objectContaining({ placed_by: 'ada', released_by: 'bob', release_reason: 'settled' }),
    ]);
    expect((await app.get('entities/Customer/rows')).body.rows[0].held).toBe(false);
    expect((await app.delete(`holds/${placed.body.id}`, { reason: 'again' })).status).toBe(404);
    expect((await app.post('entities/Customer/remove', { keys: ['2'], confirm: '3' }, ADA)).status).toBe(200);
  });

  it('holds what has a key with anything in it', async () => {
    const key = JSON.stringify(['a/b', 1]);
    expect((await hold([key], 'Seat')).status).toBe(200);
    await app.post('entities/Seat/delete', { keys: [key] });
    expect((await app.get('entities/Seat/rows')).body.rows).toEqual([expect.objectContaining({ key, held: true })]);
  });

  it.each([
    {},
    { keys: ['2'] },
    { keys: ['2'], name: 'x' },
    { keys: ['2'], name: ' ', reason: 'x' },
    { keys: ['2'], name: 'x', reason: '\0' },
    { keys: ['2'], name: 'x'.repeat(501), reason: 'x' },
    { keys: [], name: 'x', reason: 'x' },
    { keys: ['x'], name: 'x', reason: 'x' },
    { keys: ['2'], name: 'x', reason: 'x', reviewAt: 'soon' },
  ])('refuses a hold by %j', async (body) => {
    expect((await app.post('entities/Customer/hold', body)).status).toBe(400);
    expect(await holds()).toEqual([]);
  });

  it('places and releases nothing for who may not, or for another site', async () => {
    const { body } = await hold(['2']);
    may.add('not hold Customer');
    expect((await hold(['3'])).status).toBe(403);
    expect((await app.delete(`holds/${body.id}`, { reason: 'x' })).status).toBe(403);
    expect((await app.get('entities')).body[0].can).not.toContain('hold');
    may.add('not list Customer');
    expect((await hold(['3'])).status).toBe(404);
    expect((await app.delete(`holds/${body.id}`, { reason: 'x' })).status).toBe(404);
    may.clear();
    expect((await app.delete(`holds/${body.id}`, { reason: 'x' }, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await app.delete(`holds/${body.id}`, {})).status).toBe(400);
    for (const id of ['0', '-1', 'x', '99999999999999999999', '1e3']) {
      expect([id, (await app.delete(`holds/${id}`, { reason: 'x' })).status]).toEqual([id, 404]);
    }
    expect(await holds()).toEqual([expect.objectContaining({ released_by: null, release_reason: null })]);
  });

  it("reaches no row that the application's filters hide", async () => {
    await app.database.query(`update customer set tenant = 'two' where id = 3`);
    const two = { 'x-tenant': 'two' };
    expect((await app.post('entities/Customer/hold', { keys: ['2'], name: 'x', reason: 'x' }, two)).status).toBe(404);
    expect((await app.post('entities/Customer/hold', { keys: ['3', '2'], name: 'x', reason: 'x' }, two)).status).toBe(
      404,
    );
    const { body } = await hold(['2', '3']);
    expect((await app.delete(`holds/${body.id}`, { reason: 'x' }, two)).status).toBe(404);
    expect(await holds()).toHaveLength(1);
    expect((await app.post('entities/Customer/hold', { keys: ['3'], name: 'x', reason: 'x' }, two)).status).toBe(200);
    expect((await app.post('entities/Customer/hold', { keys: ['77'], name: 'x', reason: 'x' })).status).toBe(404);
  });

  it('lists records of the entities that the caller may see', async () => {
    await remove(['2'], 'why');
    await remove(['3'], undefined, 'bob');
    await app.post('entities/Customer/restore', { keys: ['3'] }, ADA);
    const list = async (query = '') =>
      (await app.get(`records${query}`)).body.map(({ action, entity, count, keys, actor, reason }: any) => [
        action,
        entity,
        count,
        keys,
        actor,
        reason,
      ]);
    const restored = ['restored', 'Customer', 1, ['3'], 'ada', null];
    const first = ['deleted', 'Customer', 1, undefined, 'ada', 'why'];
    const orders = ['deleted', 'Order', 2, undefined, 'ada', 'why'];
    expect(await list()).toEqual([
      restored,
      ['deleted', 'Customer', 1, undefined, 'bob', null],
      expect.anything(),
      expect.anything(),
    ]);
    expect(await list('?entity=Order')).toEqual([orders]);
    expect(await list('?action=restored')).toEqual([restored]);
    expect(await list('?entity=Customer&key=2')).toEqual([first]);
    expect((await list('?actor=ada')).length).toBe(3);
    expect(await list('?limit=1')).toEqual([restored]);
    expect(await list('?to=2020-01-01')).toEqual([]);
    may.add('not list Order');
    expect((await list()).filter(([, entity]: any) => entity === 'Order')).toEqual([]);
    expect((await app.get('records?entity=Order')).status).toBe(404);
    may.clear();
    may.add('not purge');
    expect((await app.get('records')).status).toBe(403);
  });

  it.each(['records?entity=Nobody', 'records?entity=Secret', 'records?entity=__proto__', 'records?entity=constructor'])(
    'does not know what %s asks for',
    async (path) => {
      expect((await app.get(path)).status).toBe(404);
    },
  );

  it.each([
    'records?key=1',
    'records?entity=Customer&key=x',
    'records?entity=Customer&key=1&action=deleted',
    'records?action=drop',
    'records?action=constructor',
    'records?actor=a&actor=b',
    'records?from=yesterday',
    'records?limit=0',
    'records?limit=1e2',
    'records?sort=at',
  ])('refuses %s with 400', async (path) => {
    expect((await app.get(path)).status).toBe(400);
  });

  it('names who purges', async () => {
    await remove(['3']);
    await app.database.query(`update customer set deleted_at = now() - interval '31 days' where id = 3`);
    expect((await app.post('purge', { confirm: '1' }, { 'x-actor': 'bob' })).status).toBe(200);
    expect((await app.get('records?action=purged')).body).toEqual([
      expect.objectContaining({ entity: 'Customer', count: 1, keys: ['3'], actor: 'bob' }),
    ]);
  });
});

describe('The admin API where a reason is required', () => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start(platforms[0]![1], { entities: [Customer, Order] }, '', undefined, {
      entities: [...OFFICES, ...complianceEntities()],
      log: { reason: 'required' },
      actor: () => 'the module',
    });
    await app.database.query(DATA);
  });

  afterAll(() => app?.close());

  it('asks for one, and takes it', async () => {
    expect((await app.get('entities')).body[0].reason).toBe('required');
    for (const [what, body] of [
      ['delete', { keys: ['2'] }],
      ['restore', { keys: ['2'] }],
      ['remove', { keys: ['2'], confirm: '3' }],
    ] as const) {
      const missing = await app.post(`entities/Customer/${what}`, body);
      expect([what, missing.status, missing.body.message]).toEqual([what, 400, expect.stringContaining('reason')]);
      for (const reason of [1, null, ' ', 'x'.repeat(501), ['x']]) {
        expect((await app.post(`entities/Customer/${what}`, { ...body, reason })).status).toBe(400);
      }
    }
    expect((await app.post('entities/Customer/delete', { keys: ['2'], reason: 'one' })).body.total).toBe(3);
    expect((await app.post('entities/Customer/restore', { keys: ['2'], dryRun: true })).status).toBe(200);
    expect((await app.post('entities/Customer/restore', { keys: ['2'], reason: 'two' })).body.total).toBe(3);
    await app.post('entities/Customer/delete', { keys: ['2'], reason: 'three' });
    expect((await app.post('entities/Customer/remove', { keys: ['2'], confirm: '3', reason: 'four' })).status).toBe(
      200,
    );
    expect(
      await app.database.query(
        `select action, actor, reason from deletion_record where entity = 'Customer' order by id`,
      ),
    ).toEqual(
      ['deleted', 'restored', 'deleted', 'hard-deleted'].map((action, i) => ({
        action,
        actor: 'the module',
        reason: ['one', 'two', 'three', 'four'][i],
      })),
    );
  });
});

describe('The admin API over entities that keep who deleted their rows', () => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start(platforms[0]![1], { entities: [Note, Whisper] }, '', undefined, {
      entities: [Note, Whisper],
    });
    await app.database.query(
      `insert into note (deleted_at, deleted_by) values (now(), 'ada'), (now(), 'bob'), (now(), null);
       insert into whisper (deleted_at, deleted_by) values (now(), 'ada')`,
    );
  });

  afterAll(() => app?.close());

  it('shows and finds them without any record, unless the property is hidden', async () => {
    const { body } = await app.get('entities/Note/rows?sort=deletedAt');
    expect(body.rows.map(({ actor }: any) => actor)).toEqual(['ada', 'bob', null]);
    expect((await app.get('entities/Note/rows?actor=bob')).body.rows.map(({ key }: any) => key)).toEqual(['2']);
    expect((await app.get('entities')).body.map(({ actors, reason, can }: any) => [actors, reason, can])).toEqual([
      [true, null, ['list', 'view', 'restore', 'remove', 'purge']],
      [false, null, ['list', 'view', 'restore', 'remove', 'purge']],
    ]);
    const hidden = await app.get('entities/Whisper/rows');
    expect([hidden.body.rows[0].actor, hidden.text]).toEqual([null, expect.not.stringContaining('ada')]);
    expect((await app.get('entities/Whisper/rows?actor=ada')).status).toBe(400);
  });
});
