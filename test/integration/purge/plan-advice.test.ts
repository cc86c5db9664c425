import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const marked = (name: string) =>
  softDeletable(
    defineEntity({
      name,
      tableName: name.toLowerCase(),
      properties: { id: p.integer().primary(), deletedAt: deletedAt() },
    }),
    { retention: '30d' },
  );
const [Order, Event, Log] = ['Orders', 'Event', 'Log'].map(marked) as [
  ReturnType<typeof marked>,
  ReturnType<typeof marked>,
  ReturnType<typeof marked>,
];
/** Goes with its order. */
const Line = defineEntity({
  name: 'Line',
  tableName: 'line',
  properties: { id: p.integer().primary(), order: () => p.manyToOne(Order).deleteRule('cascade') },
});

describe(`${PurgeService.name}.plan()`, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Order, Line, Event, Log]);
    await test.database.query(`
      alter table line drop constraint line_order_id_foreign;
      drop table event, log;
      create index on line (order_id);
      create table event (id int, deleted_at timestamptz, primary key (id)) partition by hash (id);
      create table log (id int, deleted_at timestamptz not null, primary key (id, deleted_at)) partition by range (deleted_at);
      create table log_default partition of log default;
      alter table line add constraint line_order foreign key (order_id) references orders (id) on delete cascade;
      do $$ begin for n in 0..256 loop
        execute format('create table event_%s partition of event for values with (modulus 257, remainder %s)', n, n);
      end loop; end $$`);
  });
  afterAll(() => test.close());

  const rows = (counts: Record<string, number>) =>
    test.database.query(
      Object.entries(counts)
        .map(([table, count]) => `update pg_class set reltuples = ${count} where oid = '${table}'::regclass;`)
        .join('\n'),
    );
  const advice = async () => {
    const { entities, advice: server } = await createPurge(test.orm).plan();
    return { ...Object.fromEntries(entities.map((entity) => [entity.entity, entity.advice])), server } as Record<
      string,
      readonly string[]
    >;
  };

  it('says nothing about small tables but what partitions and indexes they have', async () => {
    expect(await advice()).toEqual({
      Orders: [],
      Event: [
        'create index on public.event ("deleted_at", "id") where "deleted_at" is not null; -- a purge reads the whole table without it',
        expect.stringMatching(/^-- event has 257 partitions/),
      ],
      Log: [
        expect.stringMatching(/^create index on public\.log /),
        expect.stringMatching(/^-- log is partitioned by the time of deletion/),
      ],
      server: [],
    });
    // PostgreSQL takes it.
    for (const sql of Object.values(await advice()).flat()) {
      await test.database.query(`begin; ${sql}\n; rollback`);
    }
  });

  it('has large tables vacuumed sooner, those of what goes along and partitions too, and the log compressed', async () => {
    await rows({ orders: 10_000_000, line: 50_000_000, event_3: 2_000_000, event_4: 900_000 });
    await test.database.query(
      'alter table line set (autovacuum_vacuum_scale_factor = 0.001, autovacuum_analyze_scale_factor = 0.05)',
    );

    const found = await advice();

    expect(found['Orders']).toEqual([
      'alter table orders set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.01); -- it is vacuumed once 2,000,000 rows are gone, and until then the planner expects purged rows',
      expect.stringMatching(
        /^alter table line set \(.*scale_factor = 0\.002\); -- it is vacuumed once 50,000 rows are gone/,
      ),
    ]);
    expect(found['Event']![1]).toMatch(/^alter table event_3 set \(autovacuum_vacuum_scale_factor = 0\.05,/);
    expect(found['Event']).toHaveLength(3);
    // The server of the tests writes no whole pages.
    expect(found['server']).toEqual([]);
  });

  it('is content once its advice was taken', async () => {
    await rows({ orders: 10_000_000, line: 50_000_000 });
    for (const sql of (await advice())['Orders']!) {
      await test.database.query(sql);
    }
    expect((await advice())['Orders']).toEqual([]);
  });
});
