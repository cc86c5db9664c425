import { buildAdminPage } from '../../support/build-admin-page.js';
import { AdminApp, platforms } from './admin-app.js';
import { Customer, Order, Seat } from './offices.js';

beforeAll(() => buildAdminPage());

describe.each(platforms)('The admin API on %s', (_name, adapter) => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start(adapter, {
      entities: [
        { entity: Customer, columns: ['email', 'points', 'tenant'], search: ['name', 'email'] },
        Order,
        { entity: Seat, label: ({ room, place }: Seat) => `${room}/${place}` },
      ],
    });
  });

  afterAll(async () => {
    await app?.close();
  });

  beforeEach(async () => {
    await app.database.query(
      `truncate customer, "order", invoice, stamp, seat, secret restart identity;
       insert into customer (name, email, deleted_at) values
         ('Ada', 'ada@example.com', null),
         ('Bob 100%', 'bob@example.com', '2026-01-01T10:00:00.000001Z'),
         ('Cy_d', 'cyd@example.com', '2026-01-01T10:00:00.000002Z'),
         ('Dora', 'ada@example.com', '2026-01-01T10:00:00.000002Z');
       insert into "order" (customer_id, deleted_at) values
         (1, null), (2, '2026-01-01T10:00:00.000001Z'), (2, '2026-01-01T10:00:00.000001Z'), (2, '2025-12-31T10:00:00Z');
       insert into seat (room, place, deleted_at) values ('a/b "c"', 1, '2026-01-01T10:00:00Z'), ('a', 2, null);
       insert into secret (name, deleted_at) values ('x', '2026-01-01T10:00:00Z');`,
    );
  });

  it('lists entities with what is deleted and due', async () => {
    const { status, body, headers } = await app.get('entities');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.map(({ entity, deleted, due, retention, can }: any) => [entity, deleted, due, retention, can])).toEqual(
      [
        ['Customer', 3, 3, 2_592_000_000, ['list', 'view', 'restore', 'remove', 'purge']],
        ['Order', 3, 0, 'forever', ['list', 'view', 'restore', 'remove', 'purge']],
        ['Seat', 1, 0, 'forever', ['list', 'view', 'restore', 'remove', 'purge']],
      ],
    );
  });

  it('lists rows, the newest first, with what goes along', async () => {
    await app.database.query('insert into stamp (order_id) values (2)');
    const { body } = await app.get('entities/Customer/rows');
    expect(body.next).toBeNull();
    expect(
      body.rows.map(({ key, label, deletedAt, unitSize, purgeAt }: any) => [key, label, deletedAt, unitSize, purgeAt]),
    ).toEqual([
      ['4', 'Dora', '2026-01-01T10:00:00.000002Z', 1, '2026-01-31T10:00:00.000Z'],
      ['3', 'Cy_d', '2026-01-01T10:00:00.000002Z', 1, '2026-01-31T10:00:00.000Z'],
      ['2', 'Bob 100%', '2026-01-01T10:00:00.000001Z', 3, '2026-01-31T10:00:00.000Z'],
    ]);
    expect(body.rows[0]).toMatchObject({
      columns: { email: 'ada@example.com', points: null, tenant: 'one' },
      actor: null,
      reason: null,
      held: false,
    });
  });

  it('pages through rows that share their time of deletion, while others come and go', async () => {
    await app.database.query(
      `insert into customer (name, email, deleted_at)
       select 'C' || n, n || '@x', '2026-01-02T10:00:00.5Z'::timestamptz + (n / 3) * interval '1 microsecond' from generate_series(1, 20) as n`,
    );
    for (const sort of ['-deletedAt', 'deletedAt', 'email', '-email', 'points', '-points']) {
      const seen: string[] = [];
      let after = '';
      for (let page = 0; page < 20; page++) {
        const { body } = await app.get(`entities/Customer/rows?limit=4&sort=${sort}&after=${after}`);
        seen.push(...body.rows.map(({ key }: any) => key));
        if (page === 0) {
          await app.database.query(`update customer set deleted_at = null where id = $1`, [seen[0]]);
        }
        if (body.next === null) {
          break;
        }
        after = body.next;
      }
      await app.database.query(`update customer set deleted_at = '2026-01-03T10:00:00Z' where id = $1`, [seen[0]]);
      expect(new Set(seen).size).toBe(23);
      expect(seen).toHaveLength(23);
    }
  });

  it('orders as it was asked to, with nulls where PostgreSQL has them', async () => {
    await app.database.query('update customer set points = id where id <> 3');
    const order = async (sort: string) =>
      (await app.get(`entities/Customer/rows?sort=${sort}`)).body.rows.map(({ key }: any) => key);
    expect(await order('points')).toEqual(['2', '4', '3']);
    expect(await order('-points')).toEqual(['3', '4', '2']);
    expect(await order('email')).toEqual(['4', '2', '3']);
  });

  it.each([
    ['bob', ['2']],
    ['BOB', ['2']],
    ['%', ['2']],
    ['_', ['3']],
    ['\\', []],
    ['example.com', ['4', '3', '2']],
    ['secret', []],
    ['hidden', []],
    ["' or true --", []],
  ])('finds by %p what has it as text in what may be searched', async (q, keys) => {
    const { body } = await app.get(`entities/Customer/rows?q=${encodeURIComponent(q)}`);
    expect(body.rows.map(({ key }: any) => key)).toEqual(keys);
  });

  it('bounds the time of deletion to the microsecond', async () => {
    const keys = async (query: string) =>
      (await app.get(`entities/Order/rows?${query}`)).body.rows.map(({ key }: any) => key);
    expect(await keys('from=2026-01-01T00:00:00Z')).toEqual(['3', '2']);
    expect(await keys('to=2026-01-01')).toEqual(['4']);
    expect(await keys('from=2025-12-31T11:00:00%2B01:00&to=2025-12-31T10:00:00.001Z')).toEqual(['4']);
    expect(await keys('from=2025-12-31T10:00&to=2025-12-31T10:00:01')).toEqual(['4']);
    expect(await keys('from=2024-02-29')).toEqual(['3', '2', '4']);
  });

  it.each([
    'entities/Customer/rows?limit=0',
    'entities/Customer/rows?limit=201',
    'entities/Customer/rows?limit=abc',
    'entities/Customer/rows?sort=password',
    'entities/Customer/rows?sort=name',
    'entities/Customer/rows?sort=id;drop',
    'entities/Customer/rows?from=yesterday',
    'entities/Customer/rows?from=2026-13-01',
    'entities/Customer/rows?from=2026-02-30',
    'entities/Customer/rows?to=2026-02-29T10:00:00Z',
    'entities/Customer/rows?after=nonsense',
    'entities/Customer/rows?after=WzEsMiwzLDRd',
    'entities/Customer/rows?q=a&q=b',
    'entities/Customer/rows?q[a]=b',
    'entities/Customer/rows?colour=red',
    'entities/Customer/rows?actor=somebody',
    'entities/Order/rows?q=x',
    `entities/Customer/rows?q=${'x'.repeat(201)}`,
    'entities/Customer/rows?q=%00',
    'entities/Customer/rows/abc',
    'entities/Customer/rows/1e3',
    'entities/Customer/rows/9007199254740993',
    'entities/Customer/rows/-9007199254740993',
    'entities/Customer/rows/2.00000000000000001',
    'entities/Seat/rows/a',
    'entities/Seat/rows/%5B%22a%22%5D',
    'entities/Seat/rows/%5B%22a%22,%7B%7D%5D',
  ])('refuses %s with 400', async (path) => {
    const { status, text } = await app.get(path);
    expect([status, text]).toEqual([400, expect.stringContaining('"statusCode":400')]);
  });

  it('refuses a cursor of another order, and one with values of another type', async () => {
    const { body } = await app.get('entities/Customer/rows?limit=1');
    expect((await app.get(`entities/Customer/rows?limit=1&sort=email&after=${body.next}`)).status).toBe(400);
    const forged = Buffer.from(JSON.stringify(['deletedAt', true, 'now; drop', ['x']])).toString('base64url');
    expect((await app.get(`entities/Customer/rows?after=${forged}`)).status).toBe(400);
  });

  it.each(['Nobody', 'Secret', 'Invoice', 'constructor', 'customer'])('does not know the entity %s', async (name) => {
    expect((await app.get(`entities/${name}/rows`)).status).toBe(404);
    expect((await app.get(`entities/${name}/rows/1`)).status).toBe(404);
    for (const what of ['restore', 'remove', 'delete', 'hold']) {
      expect((await app.post(`entities/${name}/${what}`, { keys: ['1'] })).status).toBe(404);
    }
  });

  it('has no records and no holds', async () => {
    const { body } = await app.get('entities');
    expect(new Set(body.map(({ records }: any) => records))).toEqual(new Set([false]));
    expect((await app.get('records')).status).toBe(404);
    expect((await app.post('entities/Customer/hold', { keys: ['2'], name: 'x', reason: 'x' })).status).toBe(404);
  });

  it('shows one row with its unit and what keeps it', async () => {
    await app.database.query('insert into invoice (order_id) values (2), (2), (3)');
    const { status, body } = await app.get('entities/Customer/rows/2');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      key: '2',
      label: 'Bob 100%',
      deletedAt: '2026-01-01T10:00:00.000001Z',
      fields: { id: 2, name: 'Bob 100%', email: 'bob@example.com', tenant: 'one', points: null },
      unit: { Customer: 1, Order: 2 },
      unitSize: 3,
      blockedBy: [{ table: 'invoice', rows: 3 }],
      records: [],
    });
    expect(await app.database.query('select id from customer where id = 2')).toHaveLength(1);
    expect((await app.get('entities/Customer/rows/1')).status).toBe(404);
    expect((await app.get('entities/Customer/rows/77')).status).toBe(404);
    expect((await app.get('entities/Customer/rows/99999999999999')).status).toBe(404);
  });

  it('never sends what is hidden or lazy', async () => {
    const answers = [
      await app.get('entities'),
      await app.get('entities/Customer/rows'),
      await app.get('entities/Customer/rows/2'),
      await app.post('entities/Customer/restore', { keys: ['2'], dryRun: true }),
      await app.post('entities/Customer/restore', { keys: ['4'] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 409]);
    expect(answers.map(({ text }) => text).join()).not.toMatch(/secret|password|notes/);
  });

  it('restores a unit, and deletes it again', async () => {
    const preview = await app.post('entities/Customer/restore', { keys: ['2'], dryRun: true });
    expect([preview.status, preview.body]).toEqual([
      200,
      { affected: { Customer: 1, Order: 2 }, total: 3, conflicts: [] },
    ]);
    const deleted = 'select id from customer where deleted_at is not null order by id';
    expect(await app.database.query(deleted)).toEqual([{ id: 2 }, { id: 3 }, { id: 4 }]);

    const restored = await app.post('entities/Customer/restore', { keys: ['2'] });
    expect([restored.status, restored.body]).toEqual([200, { affected: { Customer: 1, Order: 2 }, total: 3 }]);
    expect(await app.database.query(deleted)).toEqual([{ id: 3 }, { id: 4 }]);
    expect(await app.database.query('select id from "order" where deleted_at is null order by id')).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]);

    const undone = await app.post('entities/Customer/delete', { keys: ['2'] });
    expect([undone.status, undone.body]).toEqual([200, { affected: { Customer: 1, Order: 2 }, total: 3 }]);
    expect(await app.database.query(deleted)).toEqual([{ id: 2 }, { id: 3 }, { id: 4 }]);
  });

  it('answers a conflict with a problem that says what is in the way', async () => {
    const conflict = {
      reason: 'unique',
      entity: 'Customer',
      key: '4',
      properties: ['email'],
      conflictingKey: '1',
      conflictingEntity: 'Customer',
      conflictingWith: 'active',
    };
    const preview = await app.post('entities/Customer/restore', { keys: ['4'], dryRun: true });
    expect(preview.status).toBe(200);
    expect(preview.body.conflicts).toEqual([expect.objectContaining(conflict)]);

    const { status, headers, body } = await app.post('entities/Customer/restore', { keys: ['3', '4'] });
    expect(status).toBe(409);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ status: 409, code: 'RESTORE_CONFLICT', conflicts: [conflict] });
    expect(await app.database.query('select id from customer where deleted_at is null')).toEqual([{ id: 1 }]);
  });

  it('restores a row with its parent', async () => {
    await app.database.query(`update "order" set deleted_at = '2025-01-01' where id = 2`);
    const alone = await app.post('entities/Order/restore', { keys: ['2'] });
    expect(alone.status).toBe(409);
    expect(alone.body.conflicts).toEqual([
      {
        reason: 'parent-deleted',
        entity: 'Order',
        key: '2',
        constraint: 'Customer.orders',
        conflictingKey: '2',
        conflictingEntity: 'Customer',
      },
    ]);
    const both = await app.post('entities/Order/restore', { keys: ['2'], withParents: true });
    expect(both.body).toEqual({ affected: { Order: 1, Customer: 1 }, total: 2 });
  });

  it('removes deleted rows for good once their number is confirmed', async () => {
    const preview = await app.post('entities/Customer/remove', { keys: ['1', '2', '3'], dryRun: true });
    expect(preview.body).toMatchObject({ total: 5, restrictions: [] });
    expect((await app.post('entities/Customer/remove', { keys: ['1', '2', '3'] })).status).toBe(400);

    const wrong = await app.post('entities/Customer/remove', { keys: ['1', '2', '3'], confirm: '2' });
    expect([wrong.status, wrong.body.code, wrong.body.total]).toEqual([409, 'CONFIRMATION_MISMATCH', 5]);
    expect(await app.database.query('select id from customer')).toHaveLength(4);

    const removed = await app.post('entities/Customer/remove', { keys: ['1', '2', '3'], confirm: '5' });
    expect([removed.status, removed.body.total]).toEqual([200, 5]);
    expect(await app.database.query('select id from customer order by id')).toEqual([{ id: 1 }, { id: 4 }]);
    expect(await app.database.query('select id from "order" order by id')).toEqual([{ id: 1 }]);
  });

  it('refuses to remove what something else needs', async () => {
    await app.database.query('insert into invoice (order_id) values (2)');
    const preview = await app.post('entities/Customer/remove', { keys: ['2'], dryRun: true });
    expect(preview.body.restrictions).toEqual([expect.objectContaining({ entity: 'Invoice', count: 1 })]);
    const { status, headers, body } = await app.post('entities/Customer/remove', { keys: ['2'], confirm: '4' });
    expect([status, body.code]).toEqual([409, 'DELETION_RESTRICTED']);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body.restrictions).toHaveLength(1);
    expect(await app.database.query('select id from customer')).toHaveLength(4);
  });

  it('purges the entities it shows once the number is confirmed', async () => {
    await app.database.query(`delete from "order" where id > 1`);
    const preview = await app.post('purge', { dryRun: true });
    expect([preview.status, preview.body.total, preview.body.dryRun]).toEqual([200, 3, true]);
    expect((await app.post('purge', {})).status).toBe(400);
    expect((await app.post('purge', { confirm: '2' })).status).toBe(409);
    expect(await app.database.query('select id from customer')).toHaveLength(4);
    const purged = await app.post('purge', { confirm: '3' });
    expect([purged.status, purged.body.total, purged.body.dryRun]).toEqual([200, 3, false]);
    expect(await app.database.query('select id from customer')).toEqual([{ id: 1 }]);
  });

  it('takes composite keys with anything in them', async () => {
    const key = JSON.stringify(['a/b "c"', 1]);
    const { body } = await app.get('entities/Seat/rows');
    expect(body.rows).toEqual([expect.objectContaining({ key, label: 'a/b "c"/1' })]);
    expect((await app.get(`entities/Seat/rows/${encodeURIComponent(key)}`)).body.key).toBe(key);
    expect((await app.post('entities/Seat/restore', { keys: [key] })).body.total).toBe(1);
    expect(await app.database.query('select room from seat where deleted_at is null order by room')).toEqual([
      { room: 'a' },
      { room: 'a/b "c"' },
    ]);
  });

  it.each([
    ['restore', {}],
    ['restore', { keys: [] }],
    ['restore', { keys: '2' }],
    ['restore', { keys: [2] }],
    ['restore', { keys: [null] }],
    ['restore', { keys: ['x'] }],
    ['restore', { keys: ['2'], dryrun: true }],
    ['restore', { keys: ['2'], dryRun: 'yes' }],
    ['restore', { keys: ['2'], confirm: '1' }],
    ['remove', { keys: ['2'], confirm: 3 }],
    ['remove', { keys: ['2'], dryRun: true, confirm: '3' }],
    ['delete', { keys: ['1'], dryRun: true }],
    ['restore', []],
  ])('refuses to %s by %j', async (what, body) => {
    expect((await app.post(`entities/Customer/${what}`, body)).status).toBe(400);
    expect(await app.database.query('select id from customer where deleted_at is not null')).toHaveLength(3);
  });

  it('takes at most a thousand keys at once', async () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1000));
    expect((await app.post('entities/Customer/restore', { keys: keys(1001) })).status).toBe(400);
    expect((await app.post('entities/Customer/restore', { keys: keys(1000) })).body.total).toBe(0);
  });

  it('refuses what another site could send', async () => {
    const restore = (headers: Record<string, string>) =>
      app.post('entities/Customer/restore', { keys: ['2'] }, headers).then(({ status }) => status);
    expect(await restore({ 'x-soft-delete-admin': '' })).toBe(403);
    expect(await restore({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await restore({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await restore({ 'sec-fetch-site': 'none' })).toBe(403);
    expect(await restore({ 'content-type': 'text/plain' })).toBe(415);
    expect(await app.database.query('select id from customer where deleted_at is not null')).toHaveLength(3);
    expect(await restore({ 'sec-fetch-site': 'same-origin' })).toBe(200);
  });

  it("stays within the application's filters", async () => {
    await app.database.query(`update customer set tenant = 'two' where id = 3`);
    const tenant = { 'x-tenant': 'two' };
    expect((await app.get('entities', tenant)).body[0].deleted).toBe(1);
    expect((await app.get('entities/Customer/rows', tenant)).body.rows.map(({ key }: any) => key)).toEqual(['3']);
    expect((await app.get('entities/Customer/rows/2', tenant)).status).toBe(404);
    expect((await app.post('entities/Customer/restore', { keys: ['2', '3'] }, tenant)).body.total).toBe(1);
    expect((await app.post('entities/Customer/remove', { keys: ['2'], dryRun: true }, tenant)).body.total).toBe(0);
    expect(await app.database.query('select id from customer where deleted_at is null order by id')).toEqual([
      { id: 1 },
      { id: 3 },
    ]);
  });
});
