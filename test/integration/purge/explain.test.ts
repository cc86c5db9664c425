import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  NotSoftDeletableError,
  type PurgeExplanation,
  PurgeService,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'client' })
class Client extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Contract, (contract) => contract.client, { cascade: [Cascade.REMOVE] })
  contracts = new Collection<Contract>(this);
}

@SoftDeletable({ retention: '10d' })
@Entity({ tableName: 'contract' })
class Contract extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Client, { deleteRule: 'restrict' })
  client!: Rel<Client>;
}

/** Blocks clients, and is not mapped to a soft-deletable entity. */
@Entity({ tableName: 'bill' })
class Bill {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Client, { deleteRule: 'restrict' })
  client!: Rel<Client>;
}

@SoftDeletable({ retention: 'forever' })
@Entity({ tableName: 'ledger' })
class Ledger extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Client, { nullable: true })
  client?: Rel<Client> | null;
}

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'seat' })
class Seat extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  hall!: string;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @ManyToMany(() => Client)
  clients = new Collection<Client>(this);
}

@SoftDeletable({ strategy: 'archive', retention: '30d' })
@Entity({ tableName: 'note' })
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;
}

/** A tree. */
@SoftDeletable<Folder>({ retention: '30d' })
@Entity({ tableName: 'folder' })
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Folder, { nullable: true, deleteRule: 'restrict' })
  parent?: Rel<Folder> | null;
}

@Entity({ tableName: 'plain' })
class Plain {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const HALL = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
const DAY = 24 * 60 * 60 * 1_000;

describe(`${PurgeService.name}.explain()`, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Client, Contract, Bill, Ledger, Seat, Note, Folder, Plain, ...complianceEntities()]);
  });
  afterAll(() => test.close());

  /**
   * Clients: 1 active, 2 waits, 3 goes, 4 has a bill, 5 an active contract, 6 a contract that has a client in the way of nothing and
   * goes, 7 a row that is kept forever, 8 goes.
   */
  beforeEach(() =>
    test.database.query(`
      truncate client, contract, bill, folder, ledger, seat, seat_clients, note, deletion_archive, deletion_record, legal_hold, legal_hold_row cascade;
      insert into client select n, case n when 1 then null when 2 then now() - interval '29 days' else now() - interval '31 days' end
        from generate_series(1, 8) as n;
      insert into contract values (50, null, 5), (51, now() - interval '9 days', 5), (60, now() - interval '11 days', 6);
      insert into bill select gen_random_uuid(), 4 from generate_series(1, 12);
      insert into ledger values (70, now() - interval '99 years', 7);
      insert into seat values ('${HALL}', 1, null), ('${HALL}', 2, now() - interval '40 days');
      insert into seat_clients values ('${HALL}', 2, 3);
    `),
  );

  const purge = (options = {}) => createPurge(test.orm, { pauseBetweenBatches: 0, ...options });
  const states = async (entity: any, keys: readonly any[], options = {}) =>
    (await purge(options).explain(entity, keys)).map(({ state }) => state);
  /** How many rows of each entity a report counts in which way, and how many an explanation of all rows does. */
  const compared = async (): Promise<[unknown, unknown]> => {
    const { entities } = await purge().run({ dryRun: true });
    const keys = async (sql: string) => (await test.database.query(sql)).map(({ key }) => key);
    const explained: [string, readonly PurgeExplanation[]][] = [];
    for (const [entity, sql] of [
      [Client, 'select id as key from client'],
      [Contract, 'select id as key from contract'],
      [Folder, 'select id as key from folder'],
      [Seat, 'select array[hall::text, number::text] as key from seat'],
      [Note, "select key::int as key from deletion_archive where part = 'Note'"],
    ] as const) {
      explained.push([entity.name, await purge().explain(entity as never, (await keys(sql)) as never)]);
    }
    const count = (all: readonly PurgeExplanation[], state: string) => all.filter((one) => one.state === state).length;
    return [
      Object.fromEntries(
        entities.map((e) => [e.entity, [e.purged, e.blocked, e.held, e.locked, e.braked !== undefined]]),
      ),
      Object.fromEntries(
        explained.map(([name, all]) => [
          name,
          [
            count(all, 'removable') + count(all, 'locked'),
            count(all, 'blocked'),
            count(all, 'held'),
            0,
            count(all, 'braked') > 0,
          ],
        ]),
      ),
    ];
  };

  it('tells rows that go from those that are active, wait, stay forever or are not there', async () => {
    const [explanation] = await purge().explain(Client, [2]);
    const [{ at }] = (await test.database.query('select deleted_at as at from client where id = 2')) as [{ at: Date }];

    expect(await states(Client, [1, 2, 3, 99])).toEqual(['active', 'waiting', 'removable', 'unknown']);
    expect(await states(Ledger, [70])).toEqual(['kept']);
    expect(explanation).toEqual({
      entity: 'Client',
      key: 2,
      state: 'waiting',
      isDue: false,
      deletedAt: at,
      dueAt: new Date(at.getTime() + 30 * DAY),
      heldBy: [],
      blockedBy: [],
    });
  });

  it('names the rows that are in the way, and how many there are', async () => {
    const [client4, client5, client6, client7] = await purge().explain('Client', [4, 5, 6, 7]);
    const bills = (await test.database.query('select id from bill')).map(({ id }) => id as string);

    expect(client4).toMatchObject({ state: 'blocked', isDue: true, dueAt: expect.any(Date) });
    expect(client4!.blockedBy).toEqual([
      { table: 'bill', constraint: 'bill_client_id_foreign', rows: 12, keys: expect.any(Array) },
    ]);
    expect(client4!.blockedBy[0]!.keys).toHaveLength(10);
    expect(bills).toEqual(expect.arrayContaining([...client4!.blockedBy[0]!.keys]));
    expect(client5!.blockedBy).toMatchObject([{ entity: 'Contract', rows: 2 }]);
    expect(client5!.blockedBy[0]!.keys.toSorted()).toEqual([50, 51]);
    expect(client6).toMatchObject({ state: 'removable', blockedBy: [] });
    expect(client7!.blockedBy).toMatchObject([{ entity: 'Ledger', rows: 1, keys: [70] }]);
  });

  it('names rows of the same table that are not due, and neither the row itself nor those that go with it', async () => {
    await test.database.query(`
      insert into folder (id, deleted_at, parent_id) values
        (1, now() - interval '31 days', 1), (2, now() - interval '31 days', 1), (3, null, 1), (4, now() - interval '1 day', 2),
        (5, now() - interval '31 days', 5), (6, now() - interval '31 days', 5)`);
    const explained = await purge().explain(Folder, [1, 2, 5, 6]);
    expect(explained.map(({ state, blockedBy }) => [state, blockedBy.map(({ rows }) => rows)])).toEqual([
      ['blocked', [2]],
      ['blocked', [1]],
      ['removable', []],
      ['removable', []],
    ]);
    // Of the rows below it, one is due and stays for its own child.
    expect(explained[0]!.blockedBy[0]!.keys.toSorted()).toEqual([2, 3]);
    expect(explained[1]!.blockedBy[0]!.keys).toEqual([4]);
  });

  it('counts rows that no key tells apart, and names none', async () => {
    await test.database.query(`create table stray (client_id int references client (id));
      insert into stray values (3), (3)`);
    try {
      const [explanation] = await purge().explain(Client, [3]);
      expect(explanation).toMatchObject({ state: 'blocked', blockedBy: [{ table: 'stray', rows: 2 }] });
      expect(explanation!.blockedBy[0]!.keys.filter((key) => key !== null)).toEqual([]);
    } finally {
      await test.database.query('drop table stray');
    }
  });

  it('agrees with a dry run and with a run', async () => {
    const [dry, explained] = await compared();
    expect(explained).toEqual(dry);

    const removable = (await purge().explain(Client, [1, 2, 3, 4, 5, 6, 7, 8]))
      .filter(({ state }) => state === 'removable')
      .map(({ key }) => key);
    await purge().run();
    const left = (await test.database.query('select id from client order by id')).map(({ id }) => id);
    expect([1, 2, 3, 4, 5, 6, 7, 8].filter((id) => !left.includes(id))).toEqual(removable);
    expect(removable).toEqual([3, 6, 8]);
  });

  it('tells what legal holds cover, due or not, and what they block', async () => {
    const { holds } = createCompliance(test.orm);
    const { id } = await holds.place({ name: 'Case 1', reason: 'Court', on: [[Contract, 60] as never] });
    await holds.place({ name: 'Case 2', reason: 'Court', on: [[Client, 2] as never] });

    const [contract] = await purge().explain(Contract, [60]);
    const clients = await purge().explain(Client, [2, 6, 3]);

    expect(contract).toMatchObject({ state: 'held', isDue: true, heldBy: [{ id, name: 'Case 1' }], blockedBy: [] });
    expect(clients).toMatchObject([
      { state: 'waiting', heldBy: [{ name: 'Case 2' }] },
      { state: 'blocked', heldBy: [], blockedBy: [{ entity: 'Contract', rows: 1, keys: [60] }] },
      { state: 'removable', heldBy: [] },
    ]);
    const [dry, explained] = await compared();
    expect(explained).toEqual(dry);
  });

  it('tells what is locked just now, and what waits for it, and lets go of what it locks', async () => {
    const session = await test.database.connect();
    await session.query(
      'begin; select from contract where id = 60 for update; select from client where id = 8 for share',
    );
    try {
      expect(await states(Client, [3, 4, 6, 8])).toEqual(['removable', 'blocked', 'locked', 'locked']);
      expect(await states(Contract, [60])).toEqual(['locked']);
      expect(
        await test.database.query(
          // Tests that run beside this one have transactions in other databases of the server, an automatic vacuum here.
          `select from pg_locks join pg_stat_activity using (pid)
           where locktype = 'transactionid' and backend_type = 'client backend'
             and pid <> pg_backend_pid() and datname = current_database()`,
        ),
      ).toHaveLength(1);
    } finally {
      await session.query('rollback');
      await session.end();
    }
    expect(await states(Client, [6, 8])).toEqual(['removable', 'removable']);
  });

  it('says that the brake would leave an entity alone, whose rows then block others', async () => {
    const brake = { atLeast: 1, share: 0.5 };
    await test.database.query('delete from contract where id = 51');

    expect(await states(Client, [3, 4, 2], { brake })).toEqual(['braked', 'braked', 'waiting']);
    expect(await states(Client, [3, 4], { brake: false })).toEqual(['removable', 'blocked']);
    await test.database.query(
      "insert into contract select n, now() - interval '11 days', 3 from generate_series(100, 110) as n; delete from client where id = 8",
    );
    expect(await states(Client, [3], { brake: { atLeast: 9, share: 0.5 } })).toEqual(['blocked']);
    expect(await purge({ brake: { atLeast: 9, share: 0.5 } }).run({ dryRun: true })).toMatchObject({
      outcome: 'braked',
      entities: expect.arrayContaining([expect.objectContaining({ entity: 'Client', purged: 0, blocked: 5 })]),
    });
  });

  it('takes entities and composite keys in any shape, and answers in the order of the keys', async () => {
    const em = test.orm.em.fork();
    const client = await em.findOneOrFail(Client, 8, { filters: false });

    expect(await states(Client, [client, 3, 8, 3])).toEqual(['removable', 'removable', 'removable', 'removable']);
    const explained = await purge().explain(Seat, [
      [HALL, 2],
      { hall: HALL.toUpperCase(), number: 1 },
      [HALL, 3],
    ] as never);
    expect(explained.map(({ key, state }) => [key, state])).toEqual([
      [[HALL, 2], 'removable'],
      [{ hall: HALL.toUpperCase(), number: 1 }, 'active'],
      [[HALL, 3], 'unknown'],
    ]);
  });

  it('knows rows of archived entities in their table and in the archive', async () => {
    const repo = test.orm.em.fork().getRepository(Note) as never as { softDelete(key: number): Promise<unknown> };
    await test.database.query("insert into note select n, 'text' from generate_series(1, 4) as n");
    await repo.softDelete(1);
    await repo.softDelete(2);
    await ageArchive(test.database, 31);
    await repo.softDelete(3);

    const explained = await purge().explain(Note, [1, 2, 3, 4, 5]);

    expect(explained.map(({ state }) => state)).toEqual(['removable', 'removable', 'waiting', 'active', 'unknown']);
    expect(explained[2]!.dueAt!.getTime() - explained[2]!.deletedAt!.getTime()).toBe(30 * DAY);
    const session = await test.database.connect();
    await session.query("begin; select from deletion_archive where key = '2' for update");
    expect(await states(Note, [1, 2])).toEqual(['removable', 'locked']);
    await session.query('rollback');
    await session.end();
    expect(await compared().then(([dry, other]) => [dry, other].map((all: any) => all.Note))).toEqual([
      [2, 0, 0, 0, false],
      [2, 0, 0, 0, false],
    ]);
    const { holds } = createCompliance(test.orm);
    await holds.place({ name: 'Case', reason: 'Court', on: [[Client, 3] as never] });
    // Nothing leads from a note to a client.
    expect(await states(Note, [1, 3])).toEqual(['removable', 'waiting']);
    await holds.place({ name: 'Note', reason: 'Court', on: [[Note, 1] as never] });
    expect(await states(Note, [1, 3])).toEqual(['held', 'waiting']);
    await purge().run({ entities: [Note] });
    expect(await test.database.query('select from deletion_archive')).toHaveLength(3);
  });

  it('writes nothing', async () => {
    const rows = () =>
      test.database.query(
        'select (select jsonb_agg(c order by id) from client c) as c, (select jsonb_agg(c order by id) from contract c) as d',
      );
    const before = await rows();

    await purge().explain(Client, [1, 2, 3, 4, 5, 6, 7, 8]);

    expect(await rows()).toEqual(before);
  });

  it.each<[string, unknown]>([
    ['no list', 3],
    ['nothing', undefined],
    ['no key', [undefined]],
    ['another type', ['three']],
    ['a part of a key', [[1, 2]]],
  ])('refuses %s', async (_what, keys) => {
    await expect(purge().explain(Client, keys as never)).rejects.toThrow(SoftDeleteConfigError);
  });

  it('refuses entities that are not marked, and unknown options', async () => {
    await expect(purge().explain(Plain, [1])).rejects.toThrow(NotSoftDeletableError);
    await expect(purge().explain('Clients', [1])).rejects.toThrow(NotSoftDeletableError);
    await expect(purge().explain(Client, [1], { schemas: 'a' } as object)).rejects.toThrow(SoftDeleteConfigError);
  });
});
