import { buildAdminPage } from '../../../scripts/build-admin-page.mjs';
import { AdminApp, platforms } from './admin-app.js';
import { Customer, Order, Seat } from './offices.js';

beforeAll(async () => {
  await buildAdminPage();
});

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
      `truncate customer, "order", invoice, seat, secret restart identity;
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
    expect(body.map(({ entity, deleted, due, retention, can }: any) => [entity, deleted, due, retention, can])).toEqual([
      ['Customer', 3, 3, 2_592_000_000, ['list', 'view', 'restore', 'remove', 'purge']],
      ['Order', 3, 0, 'forever', ['list', 'view', 'restore', 'remove', 'purge']],
      ['Seat', 1, 0, 'forever', ['list', 'view', 'restore', 'remove', 'purge']],
    ]);
  });

  it('lists rows, the newest first, with what goes along', async () => {
    const { body } = await app.get('entities/Customer/rows');
    expect(body.next).toBeNull();
    expect(body.rows.map(({ key, label, deletedAt, unitSize, purgeAt }: any) => [key, label, deletedAt, unitSize, purgeAt])).toEqual([
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
});
