import { defineEntity, type EntityManager, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const DUE = "now() - interval '40 days'";
const KEPT = "now() - interval '20 days'";
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

/** Its table is partitioned, each partition many pages long. */
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    tableName: 'visit',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
/** Without an index, so that its due rows are found by reading the table, a page for each row. */
const Scan = softDeletable(
  defineEntity({
    name: 'Scan',
    tableName: 'scan',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d', purgeIndex: false },
);
/** Each points at the other, as a customer and its main address do. */
const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    tableName: 'customer',
    properties: { id: p.integer().primary(), address: p.integer().nullable().index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
const Address = softDeletable(
  defineEntity({
    name: 'Address',
    tableName: 'address',
    properties: { id: p.integer().primary(), customer: p.integer().index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Visit, Scan, Customer, Address], { debug: false });
    await test.database.query(`
      drop table visit, scan;
      create table visit (id int primary key, deleted_at timestamptz) partition by range (id);
      create index on visit (deleted_at, id) where deleted_at is not null;
      create table visit_1 partition of visit for values from (1) to (10001);
      create table visit_2 partition of visit for values from (10001) to (20001);
      create table scan (id int primary key, deleted_at timestamptz, filler text) with (fillfactor = 10);
      alter table customer add foreign key (address) references address;
      alter table address add foreign key (customer) references customer;
    `);
  });
  beforeEach(() => test.database.query('truncate visit, scan, customer, address cascade'));
  afterAll(() => test.close());

  const purge = () => createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });
  const count = async (from: string) =>
    (await test.database.query(`select count(*)::int as rows from ${from}`))[0]!['rows'] as number;

  it('removes the due rows of every page of every partition, and no other', async () => {
    await test.database.query(`
        insert into visit
        select n, case n % 3 when 0 then ${DUE} + n * interval '1 microsecond' when 1 then ${KEPT} end
        from generate_series(1, 20000) as n`);
    expect(await count("visit_1 where ctid > '(10,0)'")).toBeGreaterThan(0);

    const { entities } = await purge().run({ entities: ['Visit'] });

    expect(entities[0]).toMatchObject({ purged: 6666, blocked: 0, failed: 0, locked: 0 });
    expect(await count(`visit where deleted_at < now() - interval '30 days'`)).toBe(0);
    expect(await count('visit where deleted_at is null')).toBe(6667);
    expect(await count('visit where deleted_at is not null')).toBe(6667);
  });

  it('finds due rows that lie more than 64 MB apart', async () => {
    await test.database.query(`
      insert into scan select n, case when n in (1, 2, 9000, 17999, 18000) then ${DUE} when n % 2 = 0 then ${KEPT} end,
        repeat('x', 700) from generate_series(1, 18000) as n`);
    const [size] = await test.database.query(`select pg_relation_size('scan')::int8 as bytes`);
    expect(Number(size!['bytes'])).toBeGreaterThan(2 * 64 * 1024 * 1024);

    const { entities } = await purge().run({ entities: ['Scan'] });

    expect(entities[0]).toMatchObject({ purged: 5 });
    expect(await count('scan')).toBe(17_995);
    expect(await count('scan where id in (1, 2, 9000, 17999, 18000)')).toBe(0);
  });

  it('removes twenty thousand circles of two', async () => {
    await test.database.query(`
      begin;
      alter table customer disable trigger all;
      insert into customer select n, n, ${DUE} from generate_series(1, 20010) as n;
      insert into address select n, n, case when n > 20000 then ${KEPT} else ${DUE} end from generate_series(1, 20010) as n;
      alter table customer enable trigger all;
      commit`);

    const { entities, total } = await purge().run({ entities: ['Customer', 'Address'] });

    expect(total).toBe(40_000);
    expect(entities.map(({ entity, blocked }) => [entity, blocked]).sort()).toEqual([
      ['Address', 0],
      ['Customer', 10],
    ]);
    expect(await count('customer')).toBe(10);
    expect(await count('address')).toBe(10);
  });

  it('rests between batches of circles as between others, and calls back with what each has removed', async () => {
    await test.database.query(`
      begin;
      alter table customer disable trigger all;
      insert into customer select n, n, ${DUE} from generate_series(1, 8) as n;
      insert into address select n, n, ${DUE} from generate_series(1, 8) as n;
      alter table customer enable trigger all;
      commit`);
    const resting = createPurge(test.orm, { batchSize: 2, pauseBetweenBatches: '200ms' });
    const steps: { total: number; at: number }[] = [];

    await resting.run({
      entities: ['Customer', 'Address'],
      onProgress: ({ total }) => {
        if (total !== (steps.at(-1)?.total ?? 0)) {
          steps.push({ total, at: performance.now() });
        }
      },
    });

    expect(await count('customer')).toBe(0);
    expect(steps.map(({ total }) => total)).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    const rests = [4, 8, 12].map((total) => {
      const i = steps.findIndex((step) => step.total === total);
      return steps[i + 1]!.at - steps[i]!.at;
    });
    expect(Math.min(...rests)).toBeGreaterThan(190);
  });

  it('holds more rows in its batches than in the first where they cost little', async () => {
    await test.database.query(`insert into customer select n, null, ${DUE} from generate_series(1, 20000) as n`);

    const { entities } = await purge().run({ entities: ['Customer'] });

    expect(entities[0]).toMatchObject({ purged: 20_000 });
    expect(entities[0]!.batches).toBeLessThan(36);
  });

  it('reports what it has removed when it is stopped, beside rows that are blocked', async () => {
    await test.database.query(`
      insert into customer select n, null, ${DUE} from generate_series(1, 1000) as n;
      insert into address select n, n, null from generate_series(1, 100) as n`);
    const controller = new AbortController();

    const report = await purge().run({
      entities: ['Customer'],
      batchSize: 100,
      signal: controller.signal,
      onProgress: ({ total }) => total >= 300 && controller.abort(),
    });
    const left = await count('customer');

    expect(report.outcome).toBe('aborted');
    expect(report.total).toBe(1000 - left);
    expect(report.entities[0]).toMatchObject({ purged: 1000 - left, failed: 0, locked: 0 });
    expect(left).toBeGreaterThan(100);
    expect(await count('customer where id <= 100')).toBe(100);
    await expect(purge().run({ entities: ['Customer'] })).resolves.toMatchObject({
      outcome: 'completed',
      entities: [{ purged: left - 100, blocked: 100 }],
    });
  });

  it('removes rows in the role of the session context', async () => {
    await test.database.query(`
      create table removed (role text);
      create role retention_officer;
      grant retention_officer to current_user;
      grant select, delete on customer, address to retention_officer;
      grant insert on removed to retention_officer;
      create function note() returns trigger language plpgsql as $$
        begin insert into removed values (current_user); return old; end $$;
      create trigger note before delete on customer for each row execute function note();
      insert into customer select n, null, ${DUE} from generate_series(1, 3) as n`);
    const em: Partial<EntityManager> = test.orm.em;
    test.orm.config.set('allowGlobalContext', true);
    em.setSessionContext?.({ role: 'retention_officer' });
    try {
      await expect(purge().run({ entities: ['Customer'] })).resolves.toMatchObject({ total: 3 });

      const roles = await test.database.query('select distinct role from removed');
      // MikroORM has session contexts from 7.2 on.
      expect(roles).toEqual([{ role: em.setSessionContext ? 'retention_officer' : 'postgres' }]);
    } finally {
      em.clearSessionContext?.();
      await test.database.query(
        'drop table removed; drop function note cascade; drop owned by retention_officer; drop role retention_officer',
      );
    }
  });
});
