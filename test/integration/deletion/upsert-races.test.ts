import { setTimeout } from 'node:timers/promises';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  DeletedRowError,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

@SoftDeletable()
@ActiveUnique({ properties: ['email'] })
@Entity()
class Account extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', unique: true })
  code!: string;

  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'string', nullable: true })
  name?: string;
}

describe('upserts beside what deletes rows', () => {
  let orm: MikroORM;
  let database: TestDatabase;
  let replica: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    replica = await createTestDatabase();
    const options = { entities: [Account], extensions: [softDelete()] };
    for (const { url } of [database, replica]) {
      const setup = await MikroORM.init({ ...options, clientUrl: url });
      await setup.schema.create();
      await setup.close(true);
    }
    orm = await MikroORM.init({ ...options, clientUrl: database.url, replicas: [{ clientUrl: replica.url }] });
  });

  beforeEach(async () => {
    for (const { query } of [database, replica]) {
      await query(
        `truncate account restart identity; insert into account (code, email) values ('a', 'a@x'), ('b', 'b@x'), ('c', 'c@x')`,
      );
    }
  });

  afterAll(async () => {
    await orm.close(true);
    await database.drop();
    await replica.drop();
  });

  const repository = (em = orm.em.fork()) => new SoftDeleteRepository(em, Account);
  const names = async () => (await database.query('select name from account order by id')).map(({ name }) => name);

  it.each([
    ['by key', { id: 1, code: 'a', email: 'a@x', name: 'new' }],
    ['by a unique value that deleted rows have as well', { code: 'a', email: 'z@x', name: 'new' }],
  ])('refuses a row that a replica has as active, %s', async (_how, data) => {
    await database.query(`update account set deleted_at = now() where id = 1`);

    await expect(repository().upsert({ ...data })).rejects.toThrow(DeletedRowError);
    await expect(orm.em.fork().upsert(Account, { ...data })).rejects.toThrow(DeletedRowError);
    await expect(repository().upsertMany([{ ...data }])).rejects.toThrow(DeletedRowError);
    await expect(names()).resolves.toEqual([null, null, null]);
  });

  it('writes to a row that a replica has as deleted', async () => {
    await replica.query(`update account set deleted_at = now()`);

    await repository().upsert({ id: 1, code: 'a', email: 'a@x', name: 'one' });
    await repository().upsertMany([{ email: 'b@x', code: 'b', name: 'two' }]);
    await expect(names()).resolves.toEqual(['one', 'two', null]);
    await expect(
      repository().upsert({ email: 'c@x', code: 'c', name: 'three' }, { onConflictAction: 'ignore' }),
    ).resolves.toMatchObject({ id: 3, name: null });
  });

  it.each(['upsert', 'upsertMany', 'an entity'] as const)(
    'refuses a row that is deleted while it waits for it, and memory has the row as it is: %s',
    async (door) => {
      const other = orm.em.fork();
      await other.begin();
      await repository(other).softDelete(2);
      const em = orm.em.fork();
      const data = { id: 2, code: 'b', email: 'b@x', name: 'raced' };
      const writing = {
        upsert: () => em.upsert(Account, { ...data }),
        upsertMany: () => em.upsertMany(Account, [{ ...data, id: 1, code: 'a', email: 'a@x' }, { ...data }]),
        'an entity': () => em.upsert(em.create(Account, { ...data }, { persist: false })),
      }[door]();
      const refusal = (writing as Promise<unknown>).catch((error: unknown) => error);
      await waitForLock();
      await other.commit();
      const error = await refusal;

      expect(error).toBeInstanceOf(DeletedRowError);
      expect(error).toMatchObject({ entity: 'Account', values: { id: 2 } });

      expect((await names())[1]).toBeNull();
      const managed = em.getUnitOfWork().getById(Account, 2 as never) as Account | undefined;
      expect(managed?.name ?? null).toBeNull();
      await em.flush();
      expect((await names())[1]).toBeNull();
    },
  );

  it('writes a row that is given as deleted', async () => {
    const deletedAt = new Date('2026-01-02T03:04:05.678Z');
    await repository().upsert({ id: 9, code: 'z', email: 'z@x', deletedAt });
    await repository().upsertMany([{ id: 10, code: 'y', email: 'y@x', deletedAt }]);

    await expect(database.query('select id from account where deleted_at is not null order by id')).resolves.toEqual([
      { id: 9 },
      { id: 10 },
    ]);
  });

  it('looks for deleted rows in the schema and in the transaction that it writes to', async () => {
    await database.query(`create schema tenant; create table tenant.account (like account including all)`);
    await database.query(
      `insert into tenant.account (id, code, email, deleted_at) values (1, 'a', 'a@x', now()), (2, 'b', 'b@x', null)`,
    );
    await database.query(`update account set deleted_at = now() where id = 2`);
    const [one, two] = [1, 2].map((id) => ({ id, code: 'ab'[id - 1]!, email: `${'ab'[id - 1]}@x`, name: 'new' }));
    await expect(orm.em.fork().upsert(Account, one!, { schema: 'tenant' })).rejects.toThrow(DeletedRowError);
    await orm.em.fork().upsert(Account, two!, { schema: 'tenant' });
    await expect(database.query('select name from tenant.account order by id')).resolves.toEqual([
      { name: null },
      { name: 'new' },
    ]);

    const em = orm.em.fork();
    await em.begin();
    await em.execute('update account set deleted_at = now() where id = 1');
    await expect(repository().upsert(one!, { ctx: em.getTransactionContext()! })).rejects.toThrow(DeletedRowError);
    await em.rollback();
  });

  async function waitForLock(): Promise<void> {
    for (;;) {
      const waiting = await database.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (waiting.length > 0) {
        return;
      }
      await setTimeout(10);
    }
  }
});
