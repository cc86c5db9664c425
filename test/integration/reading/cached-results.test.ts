import { defineEntity, type EntityManager, p } from '@mikro-orm/postgresql';
import { createPurge, registerHook, softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface Account {
  id: number;
  email: string;
  deletedAt?: Date | null;
}

const Account = softDeletable(
  defineEntity({
    name: 'Account',
    tableName: 'account',
    properties: {
      id: p.integer().primary(),
      email: p.text().unique(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);

describe('An application that caches the results of all queries', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Account], { debug: false, resultCache: { global: 60_000 } });
  });
  beforeEach(() => test.database.query('truncate account'));
  afterAll(() => test.close());

  const accounts = () =>
    (test.orm.em.fork() as EntityManager).getRepository(Account) as unknown as SoftDeleteRepository<Account>;
  const ids = (rows: readonly object[]) => (rows as Account[]).map(({ id }) => id).toSorted((a, b) => a - b);

  it('has the handlers of a purge told of the rows of each batch', async () => {
    await test.database.query(
      `insert into account select n, n::text, now() - interval '40 days' from generate_series(1, 7) as n`,
    );
    const told: number[][] = [];
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });
    purge.registerHook(Account, async (rows) => void told.push(ids(rows)), { fields: ['email'] as never });

    await purge.run({ batchSize: 3 });

    expect(told.flat().toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('has the handlers of deletions told of their own rows, as they are', async () => {
    await test.database.query(`insert into account select n, n::text from generate_series(1, 3) as n`);
    const told: unknown[] = [];
    const record = (rows: readonly object[]) => void told.push(...rows);
    registerHook(test.orm, 'delete', Account, record, { fields: ['email'] as never });

    await accounts().softDelete(1);
    await accounts().softDelete(2);
    await accounts().restore(1);
    await test.database.query(`update account set email = 'new' where id = 1`);
    await accounts().softDelete(1);

    expect(told).toMatchObject([
      { id: 1, email: '1' },
      { id: 2, email: '2' },
      { id: 1, email: 'new' },
    ]);
  });

  it('restores or creates by what the database has', async () => {
    const where = { email: 'ada' };
    await accounts().restoreOrCreate(where, { id: 1 } as never);
    expect(await accounts().findOne(where)).toMatchObject({ id: 1 });
    await accounts().softDelete(1);

    const { entity, restored } = await accounts().restoreOrCreate(where, { id: 2 } as never);

    expect({ id: entity.id, restored }).toEqual({ id: 1, restored: true });
    expect(await test.database.query('select id, deleted_at from account')).toEqual([{ id: 1, deleted_at: null }]);
  });
});
