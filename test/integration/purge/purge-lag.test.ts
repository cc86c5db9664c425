import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, type Options, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  PurgeHealthIndicator,
  PurgeInterruptedError,
  PurgeService,
  softDeletable,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const deletedAt = (type = 'timestamptz') => p.datetime().columnType(type).nullable();
const Owner = softDeletable(
  defineEntity({
    name: 'Owner',
    tableName: 'owner',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
const Thing = softDeletable(
  defineEntity({
    name: 'Thing',
    tableName: 'thing',
    properties: { id: p.integer().primary(), owner: () => p.manyToOne(Owner).index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
const Plain = softDeletable(
  defineEntity({
    name: 'Plain',
    tableName: 'plain',
    properties: { id: p.integer().primary(), deletedAt: deletedAt('timestamp') },
  }),
  { retention: '10d' },
);
const Kept = softDeletable(
  defineEntity({ name: 'Kept', tableName: 'kept', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const DAY = 86_400_000;

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Owner, Thing, Plain, Kept], { debug: false, timezone: 'Z' }, false);
  });
  afterEach(() => test.close());

  it('tells the oldest due row per entity and how far it is overdue, blocked or not', async () => {
    await test.database.query(`
      insert into owner values (1, null), (2, now() - interval '90 days'), (3, now() - interval '31 days'), (4, now() - interval '3 days');
      insert into thing values (1, 2, null), (2, 1, now() - interval '29 days');
      insert into plain values (1, (now() at time zone 'utc') - interval '10 days 1 hour');
      insert into kept values (1, now() - interval '900 days');
    `);
    const purge = createPurge(test.orm);

    const { at, entities } = await purge.lag();

    const [owner, thing, plain] = ['Owner', 'Thing', 'Plain'].map((name) => entities.find((e) => e.entity === name)!);
    expect(entities).toHaveLength(3);
    expect(owner!.overdueBy / DAY).toBeCloseTo(60, 3);
    expect(at.getTime() - owner!.oldestDue!.getTime()).toBeCloseTo(90 * DAY, -4);
    expect(thing).toEqual({
      entity: 'Thing',
      table: 'thing',
      cutoff: thing!.cutoff,
      oldestDue: undefined,
      overdueBy: 0,
    });
    expect(plain!.overdueBy).toBeCloseTo(3_600_000, -4);
    const unblocked = await purge.lag({ unblocked: true });
    expect(unblocked.entities.find(({ entity }) => entity === 'Owner')).toMatchObject({
      oldestDue: owner!.oldestDue,
      due: 2,
      blocked: 1,
      overdueBy: expect.closeTo(DAY, -4),
    });
    await expect(purge.lag({ unblock: true } as never)).rejects.toThrow(SoftDeleteConfigError);
  });

  it('knows times that always were, and entities that are kept forever', async () => {
    await test.database.query("insert into owner values (1, '-infinity'), (2, 'infinity')");

    const { entities } = await createPurge(test.orm).lag();

    expect(entities.find(({ entity }) => entity === 'Owner')!.oldestDue).toEqual(new Date(-8.64e15));
    expect(entities.map(({ entity }) => entity)).not.toContain('Kept');
  });

  it('says so when the database does not answer', async () => {
    await test.database.query('drop table plain');
    await expect(createPurge(test.orm).lag()).rejects.toThrow(PurgeInterruptedError);
  });

  it('reads no table as a whole for a few due rows, with statistics from before a purge', async () => {
    const setup = await test.database.connect();
    await setup.query(`
      alter table owner set (autovacuum_enabled = false); alter table thing set (autovacuum_enabled = false);
      create table note (owner_id int references owner (id)) with (autovacuum_enabled = false);
      create index on note (owner_id);
      insert into owner select n, case when n <= 30000 then now() - interval '40 days' end from generate_series(1, 60000) as n;
      insert into note select n from generate_series(1, 60000) as n;
      insert into thing select n, n, null from generate_series(1, 60000) as n;
      analyze owner; analyze note; analyze thing;
      delete from note where owner_id between 36 and 30000; delete from thing where owner_id between 36 and 30000;
      delete from owner where id between 36 and 30000;
    `);
    // Sessions hand their counters in when they end.
    await setup.end();
    await sleep(100);
    await test.database.query('select pg_stat_reset()');
    const rowsReadInOrder = async () => {
      const [row] = await test.database.query(
        "select sum(seq_tup_read)::int as rows from pg_stat_user_tables where relname in ('owner', 'note', 'thing')",
      );
      return row.rows as number;
    };
    const orm = await MikroORM.init({ ...(test.orm.config.getAll() as Options), debug: false });
    const purge = createPurge(orm as MikroORM, { brake: false, pauseBetweenBatches: 0 });

    const rehearsed = await purge.run({ dryRun: true });
    const report = await purge.run();
    const status = await purge.status();
    const health = await new PurgeHealthIndicator(purge).isHealthy('purge', { sla: '1h' });
    await purge.lag();
    await orm.close(true);
    await sleep(100);

    const counts = { purged: 0, blocked: 35, failed: 0, locked: 0 };
    expect(rehearsed.entities.find(({ entity }) => entity === 'Owner')).toMatchObject(counts);
    expect(report.entities.find(({ entity }) => entity === 'Owner')).toMatchObject(counts);
    expect(status.entities.find(({ entity }) => entity === 'Owner')).toMatchObject({ due: 35, blocked: 35 });
    expect(health).toEqual({ purge: { status: 'up', overdueBy: 0, due: 35, blocked: 35 } });
    await expect(rowsReadInOrder()).resolves.toBe(0);
  });

  it('cancels the statement of a dry run that is aborted or out of time', async () => {
    await test.database.query(`
      insert into owner values (1, now() - interval '40 days');
    `);
    // A lock that counting waits for, as long as nobody cancels it.
    const holder = await test.database.connect();
    await holder.query('begin; lock table thing in access exclusive mode');
    const waiting = async () =>
      (
        await test.database.query(
          "select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
      )[0].count as number;
    const controller = new AbortController();

    const aborted = createPurge(test.orm).run({ dryRun: true, signal: controller.signal });
    while ((await waiting()) === 0) {
      await sleep(10);
    }
    controller.abort();
    await expect(aborted).resolves.toMatchObject({ outcome: 'aborted', dryRun: true });
    await expect(waiting()).resolves.toBe(0);

    await expect(createPurge(test.orm).run({ dryRun: true, timeBudget: 300 })).resolves.toMatchObject({
      outcome: 'time-budget',
    });
    await expect(waiting()).resolves.toBe(0);
    await holder.query('rollback');
    await holder.end();
    await expect(createPurge(test.orm).run()).resolves.toMatchObject({ total: 1 });
  });
});
