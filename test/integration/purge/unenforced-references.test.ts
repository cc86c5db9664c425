import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '30d' })
@Entity()
class Account extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Place extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

/** Soft-deletable, with a relation that the database has no key for. */
@SoftDeletable({ retention: '30d' })
@Entity()
class Task extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Account, { createForeignKeyConstraint: false, nullable: true, index: true })
  account?: Rel<Account> | null;
}

/** Plain, likewise. */
@Entity()
class Memo {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Account, { createForeignKeyConstraint: false, nullable: true, index: true })
  account?: Rel<Account> | null;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Vote extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => [Account, Place] })
  on!: Rel<Account | Place>;
}

@Entity()
class Remark {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => [Account, Place] })
  on!: Rel<Account | Place>;
}

const DUE = "now() - interval '40 days'";
const HOLDER = `create table holder (account_id int references account (id)); create index on holder (account_id);`;
/** From PostgreSQL 18 on; before, its triggers are switched off. */
const notEnforced = (table: string, constraint: string) => `do $$ begin
    execute 'alter table ${table} alter constraint ${constraint} not enforced';
  exception when syntax_error then
    alter table ${table} disable trigger all;
    alter table account disable trigger all;
  end $$;`;

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Account, Place, Task, Memo, Vote, Remark], {}, false);
  });
  afterEach(() => test.close());

  /** With connections that see what the database's settings are now. */
  const withNewOrm = async <Result>(work: (orm: MikroORM) => Promise<Result>): Promise<Result> => {
    const orm = await MikroORM.init({ ...(test.orm.config.getAll() as Options), debug: false });
    try {
      return await work(orm as MikroORM);
    } finally {
      await orm.close(true);
    }
  };
  const accounts = async () =>
    (await test.database.query('select id from account where id < 1000 order by id')).map(({ id }) => id);
  /** So many active rows that due ones are read by their age, not by their place. */
  const CROWD = 'insert into account select n, null from generate_series(1000, 9000) as n;';

  it.each<{ kind: string; sql: string; by: string }>([
    { kind: 'a key that the database enforces', sql: `${HOLDER} insert into holder values (3), (7)`, by: 'holder' },
    {
      kind: 'a key that is not enforced',
      sql: `${HOLDER} ${notEnforced('holder', 'holder_account_id_fkey')} insert into holder values (3), (7)`,
      by: 'holder',
    },
    {
      kind: 'a key whose triggers are off',
      sql: `${HOLDER} insert into holder values (3), (7); alter table account disable trigger all`,
      by: 'holder',
    },
    {
      kind: 'a key in a session of a replica',
      sql: `${HOLDER} insert into holder values (3), (7);
        do $$ begin execute format('alter database %I set session_replication_role = replica', current_database()); end $$`,
      by: 'holder',
    },
    {
      kind: 'a key that sets null in a session of a replica',
      sql: `create table holder (account_id int references account (id) on delete set null); create index on holder (account_id);
        insert into holder values (3), (7);
        do $$ begin execute format('alter database %I set session_replication_role = replica', current_database()); end $$`,
      by: 'holder',
    },
    {
      kind: 'a key of one partition',
      sql: `create table holder (account_id int) partition by range (account_id);
        create table holder_1 partition of holder for values from (1) to (100);
        alter table holder_1 add foreign key (account_id) references account (id);
        create index on holder (account_id); insert into holder values (3), (7)`,
      by: 'holder',
    },
    {
      kind: 'a relation of a soft-deletable entity without a key',
      sql: 'insert into task (id, account_id) values (1, 3), (2, 7)',
      by: 'task',
    },
    {
      kind: 'a relation of a plain entity without a key',
      sql: 'insert into memo (id, account_id) values (1, 3), (2, 7)',
      by: 'memo',
    },
    {
      kind: 'a polymorphic relation of a soft-deletable entity',
      sql: "insert into vote (id, on_type, on_id) values (1, 'account', 3), (2, 'account', 7), (3, 'place', 5)",
      by: 'vote',
    },
    {
      kind: 'a polymorphic relation of a plain entity',
      sql: "insert into remark (id, on_type, on_id) values (1, 'account', 3), (2, 'account', 7), (3, 'place', 5)",
      by: 'remark',
    },
  ])('reports rows behind $kind as blocked, in a run as in its dry run', async ({ sql, by }) => {
    await test.database.query(`${CROWD} insert into account select n, ${DUE} from generate_series(1, 20) as n; ${sql}`);

    await withNewOrm(async (orm) => {
      for (const batchSize of [undefined, 1, 6, 20]) {
        await test.database.query(
          `insert into account select n, ${DUE} from generate_series(1, 20) as n on conflict do nothing`,
        );
        const purge = createPurge(orm, { brake: false, pauseBetweenBatches: 0 });
        const [rehearsed] = (await purge.run({ entities: [Account], dryRun: true, batchSize })).entities;
        const [done] = (await purge.run({ entities: [Account], batchSize })).entities;

        const expected = { purged: 18, blocked: 2, failed: 0, locked: 0, blockedBy: [{ table: by, rows: 2 }] };
        expect(rehearsed).toMatchObject(expected);
        expect(done).toMatchObject(expected);
        await expect(accounts()).resolves.toEqual([3, 7]);
        const [again] = (await purge.run({ entities: [Account], batchSize })).entities;
        expect(again).toMatchObject({ ...expected, purged: 0 });
      }
    });
  });

  it.each([1, 6, undefined])(
    'reports rows as failed that a trigger keeps, wherever their batch ends (%s)',
    async (batchSize) => {
      await test.database.query(`
      ${CROWD}
      insert into account select n, ${DUE} from generate_series(1, 20) as n;
      create function keep() returns trigger language plpgsql as $$ begin return case when old.id not in (3, 20) then old end; end $$;
      create trigger keep before delete on account for each row execute function keep();
    `);

      const { entities } = await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run({
        entities: [Account],
        batchSize,
      });

      expect(entities).toMatchObject([{ purged: 18, blocked: 0, failed: 2, locked: 0 }]);
      await expect(accounts()).resolves.toEqual([3, 20]);
    },
  );

  it.each([
    { kind: 'enforced', sql: '' },
    { kind: 'not enforced', sql: notEnforced('part', 'part_account_id_fkey') },
    { kind: 'off', sql: 'alter table account disable trigger all; alter table part disable trigger all;' },
  ])('takes along what a cascading key would, also while it is $kind', async ({ sql }) => {
    await test.database.query(`
      create table part (account_id int references account (id) on delete cascade, note text);
      create index on part (account_id);
      ${sql}
      insert into account select n, case when n < 20 then ${DUE} end from generate_series(1, 20) as n;
      insert into part values (3, 'a'), (3, 'b'), (4, 'c'), (20, 'd');
    `);

    const { entities } = await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run({
      entities: [Account],
    });

    expect(entities).toMatchObject([{ purged: 19, blocked: 0, failed: 0, locked: 0 }]);
    await expect(accounts()).resolves.toEqual([20]);
    await expect(test.database.query('select note from part')).resolves.toEqual([{ note: 'd' }]);
  });
});
