import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Application } from './support/application.js';

const TENANTS = ['north', 'south'] as const;

describe('An application with a database for each tenant', () => {
  const databases = {} as Record<(typeof TENANTS)[number], TestDatabase>;
  let application: Application;

  beforeAll(async () => {
    for (const tenant of TENANTS) {
      databases[tenant] = await createTestDatabase();
    }
    application = await Application.open('es-modules/dist/tenant-databases/main.js', {
      NORTH_URL: databases.north.url,
      SOUTH_URL: databases.south.url,
    });
  });

  afterAll(async () => {
    await application?.close();
    for (const tenant of TENANTS) {
      await databases[tenant]?.drop();
    }
  });

  beforeEach(async () => {
    for (const tenant of TENANTS) {
      await databases[tenant].query(
        `truncate customer, invoice restart identity;
         insert into customer (email) values ('ada@example.com'), ('grace@example.com');
         insert into invoice (number, customer_id) values ('1', 1), ('2', 1), ('3', 2)`,
      );
    }
  });

  const ask = (tenant: string, method: string, path: string, body?: unknown) =>
    application.request(method, path, { headers: { 'x-tenant': tenant }, body });

  /** Of each table, what is deleted in the database of a tenant. */
  const deleted = async (tenant: (typeof TENANTS)[number]) => {
    const [row] = await databases[tenant].query(
      `select (select count(*)::int from customer) as customers,
              (select coalesce(array_agg(id order by id), '{}') from customer where deleted_at is not null) as "deletedCustomers",
              (select count(*)::int from invoice) as invoices,
              (select coalesce(array_agg(number order by number), '{}') from invoice where deleted_at is not null) as "deletedInvoices"`,
    );
    return row;
  };
  const untouched = { customers: 2, deletedCustomers: [], invoices: 3, deletedInvoices: [] };

  describe.each([
    ['north', 'south'],
    ['south', 'north'],
  ] as const)('for %s, beside %s', (tenant, other) => {
    it.each([
      ['the unit of work', '/customers/1'],
      ['a condition on a relation', '/customers?invoice=2'],
    ])('deletes through %s, softly and in one unit', async (_, path) => {
      expect((await ask(tenant, 'DELETE', path)).status).toBe(200);
      expect(await deleted(tenant)).toEqual({ ...untouched, deletedCustomers: [1], deletedInvoices: ['1', '2'] });
      expect(await deleted(other)).toEqual(untouched);
      expect(
        await databases[tenant].query(
          'select distinct deleted_at from (select deleted_at from customer union all select deleted_at from invoice) where deleted_at is not null',
        ),
      ).toHaveLength(1);
    });

    it('hides what is deleted, here and in the same request, and shows it to the other', async () => {
      expect((await ask(tenant, 'DELETE', '/customers/1')).body).toEqual({
        deletedAt: expect.any(String),
        found: null,
      });
      await ask(tenant, 'DELETE', '/invoices/3');
      const grace = { id: 2, email: 'grace@example.com' };
      expect((await ask(tenant, 'GET', '/customers')).body).toEqual([{ ...grace, invoices: [] }]);
      expect((await ask(tenant, 'GET', '/customers?deleted=only')).body).toEqual([
        { id: 1, email: 'ada@example.com', invoices: ['1', '2'] },
      ]);
      expect((await ask(other, 'GET', '/customers')).body).toEqual([
        { id: 1, email: 'ada@example.com', invoices: ['1', '2'] },
        { ...grace, invoices: ['3'] },
      ]);
      expect((await ask(other, 'GET', '/customers?deleted=only')).body).toEqual([]);
    });

    it('deletes softly by nativeDelete()', async () => {
      expect((await ask(tenant, 'DELETE', '/invoices/2')).body).toEqual({ deleted: 1 });
      expect(await deleted(tenant)).toEqual({ ...untouched, deletedInvoices: ['2'] });
      expect(await deleted(other)).toEqual(untouched);
    });

    it('restores the unit of its own deletion', async () => {
      await ask(tenant, 'DELETE', '/invoices/2');
      await ask(tenant, 'DELETE', '/customers/1');
      await ask(other, 'DELETE', '/customers/1');
      expect((await ask(tenant, 'POST', '/customers/1/restore')).body).toEqual({
        affected: { Customer: 1, Invoice: 1 },
        total: 2,
      });
      expect(await deleted(tenant)).toEqual({ ...untouched, deletedInvoices: ['2'] });
      expect(await deleted(other)).toEqual({ ...untouched, deletedCustomers: [1], deletedInvoices: ['1', '2'] });
    });

    it('gives the email of a deleted customer to a new one', async () => {
      await ask(tenant, 'DELETE', '/customers/1');
      expect(await ask(tenant, 'POST', '/customers', { email: 'ada@example.com', invoices: ['4'] })).toEqual({
        status: 201,
        body: { id: 3 },
      });
      expect((await ask(other, 'POST', '/customers', { email: 'ada@example.com', invoices: [] })).status).toBe(500);
      expect(await deleted(other)).toEqual(untouched);
    });

    it('purges its own rows alone', async () => {
      for (const each of TENANTS) {
        await ask(each, 'DELETE', '/customers/1');
        for (const table of ['customer', 'invoice']) {
          await databases[each].query(`update ${table} set deleted_at = deleted_at - interval '31 days'`);
        }
      }
      expect((await ask(tenant, 'POST', '/purge')).body).toMatchObject({ outcome: 'completed', total: 3 });
      expect(await deleted(tenant)).toEqual({ ...untouched, customers: 1, invoices: 1 });
      expect(await deleted(other)).toEqual({ ...untouched, deletedCustomers: [1], deletedInvoices: ['1', '2'] });
    });
  });

  it('deletes for both at once', async () => {
    await Promise.all(TENANTS.map((tenant) => ask(tenant, 'DELETE', '/customers/1')));
    for (const tenant of TENANTS) {
      expect(await deleted(tenant)).toEqual({ ...untouched, deletedCustomers: [1], deletedInvoices: ['1', '2'] });
    }
  });

  it('serves nobody without a tenant', async () => {
    expect((await ask('west', 'DELETE', '/customers/1')).status).toBe(400);
  });
});
