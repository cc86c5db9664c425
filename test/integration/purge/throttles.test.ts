import { defineEntity, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  PurgeInterruptedError,
  type PurgeThrottle,
  type PurgeThrottleState,
  replicationLag,
  softDeletable,
  SoftDeleteConfigError,
  vacuumBacklog,
  window,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Item = softDeletable(
  defineEntity({
    name: 'Item',
    tableName: 'item',
    properties: {
      id: p.integer().primary(),
      parent: () => p.manyToOne(Item).nullable(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);
const Log = softDeletable(
  defineEntity({
    name: 'Log',
    tableName: 'log',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
  { retention: '30d' },
);

describe('what keeps a purge from its next batch', () => {
  let test: TestOrm;

  beforeAll(async () => {
    // One connection: whoever held it while waiting would be in the way of everybody else.
    test = await createTestOrm([Item, Log], { pool: { min: 0, max: 1 } }, false);
  });
  beforeEach(() =>
    test.database.query(`
      truncate item, log;
      insert into item (id, deleted_at) select n, now() - interval '40 days' from generate_series(1, 100) as n;
      insert into log (id, deleted_at) select n, now() - interval '40 days' from generate_series(1, 50) as n;
      insert into item (id) values (101)`),
  );
  afterAll(() => test.close());

  const purge = (throttle?: PurgeThrottle | PurgeThrottle[], more: object = {}) =>
    createPurge(test.orm, { batchSize: 20, pauseBetweenBatches: 0, ...(throttle ? { throttle } : {}), ...more });
  const left = async () =>
    (
      await test.database.query(
        'select (select count(*)::int from item) as item, (select count(*)::int from log) as log',
      )
    )[0];

  describe('throttle', () => {
    it('is asked before each batch, and told how far the run has come', async () => {
      const states: PurgeThrottleState[] = [];
      const report = await purge((state) => {
        states.push(state);
        return 'go';
      }).run({ entities: [Item] });
      expect(report).toMatchObject({ outcome: 'completed', isFinished: true, total: 100 });
      expect(states.slice(0, 5).map(({ entity, purged }) => [entity, purged])).toEqual(
        [0, 20, 40, 60, 80].map((purged) => ['Item', purged]),
      );
      expect(states[0]!.batchMs).toBe(0);
      expect(await left()).toEqual({ item: 1, log: 50 });
    });

    it('ends the run, which the next one continues', async () => {
      const report = await purge(({ purged }) => (purged >= 40 ? 'stop' : 'go')).run({ entities: [Item] });
      expect(report).toMatchObject({ outcome: 'throttled', isFinished: false, total: 40 });
      expect(await left()).toEqual({ item: 61, log: 50 });
      expect(await purge().run()).toMatchObject({ outcome: 'completed', isFinished: true, total: 110 });
    });

    it('waits without a connection, a transaction or a lock, and goes on', async () => {
      const seen: unknown[] = [];
      let waits = 0;
      const report = await purge(async ({ purged }) => {
        if (purged < 40 || waits === 3) {
          return 'go';
        }
        waits++;
        // The only connection of the pool is free.
        const [row] = await test.orm.em.fork().execute(
          `select count(*) filter (where pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle')::int as busy,
             (select count(*)::int from pg_locks as l join pg_stat_activity as a using (pid)
               where l.relation = 'item'::regclass and a.backend_type = 'client backend') as locks
           from pg_stat_activity where datname = current_database()`,
        );
        seen.push(row);
        return 'wait';
      }).run({ entities: [Item] });
      expect(seen).toEqual(Array.from({ length: 3 }, () => ({ busy: 0, locks: 0 })));
      expect(report).toMatchObject({ outcome: 'completed', total: 100 });
    });

    it.each(['time-budget', 'aborted'] as const)('waits no longer than the run may last: %s', async (outcome) => {
      const controller = new AbortController();
      const report = await purge(() => {
        controller.abort();
        return 'wait';
      }).run(outcome === 'aborted' ? { signal: controller.signal } : { timeBudget: 50 });
      expect(report).toMatchObject({ outcome, total: 0 });
      expect(await left()).toEqual({ item: 101, log: 50 });
    });

    it('obeys the strictest of several', async () => {
      const report = await purge([
        () => 'go',
        ({ entity, purged }) => (entity === 'Item' && purged >= 20 ? 'stop' : 'go'),
        () => 'go',
      ]).run({ entities: [Item] });
      expect(report).toMatchObject({ outcome: 'throttled', total: 20 });
    });

    it('does not concern a dry run', async () => {
      expect(await purge(() => 'stop').run({ dryRun: true })).toMatchObject({ outcome: 'completed', total: 150 });
    });

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('the metrics are away');
        },
      ],
      ['rejects', () => Promise.reject(new Error('the metrics are away'))],
      ['answers with anything else', () => true],
      ['answers with nothing', () => undefined],
    ])('ends the run if it %s', async (_how, throttle) => {
      const error = await purge(throttle as PurgeThrottle)
        .run()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(PurgeInterruptedError);
      expect((error as Error).message).toMatch(/purge\.throttle (failed: the metrics are away|answered with)/);
      expect((error as Error).message).not.toContain('can be reached');
      expect(await left()).toEqual({ item: 101, log: 50 });
    });

    it.each(['go', 5, [null], {}])('is refused at once if it is no function: %p', (throttle) => {
      expect(() => purge(throttle as never)).toThrow(SoftDeleteConfigError);
    });
  });

  describe('maxRows', () => {
    it.each([
      [1, 1],
      [30, 30],
      [149, 149],
    ])('removes %i rows of all entities and no more', async (maxRows, total) => {
      expect(await purge().run({ maxRows })).toMatchObject({ outcome: 'row-limit', isFinished: false, total });
      const { item, log } = await left();
      expect(item + log).toBe(151 - total);
    });

    it('is no limit to a run with fewer rows', async () => {
      expect(await purge().run({ maxRows: 1_000 })).toMatchObject({ outcome: 'completed', total: 150 });
    });

    it('comes from the options of the purge where the run names none, and adapts with the size of batches', async () => {
      const limited = purge(undefined, { maxRows: 70, batchSize: undefined });
      expect(await limited.run()).toMatchObject({ outcome: 'row-limit', total: 70 });
      expect(await limited.run({ maxRows: 5 })).toMatchObject({ outcome: 'row-limit', total: 5 });
    });

    it('counts the rows of trees and of circles', async () => {
      await test.database.query(
        'update item set parent_id = case when id < 51 then id + 50 else 1 end where id <= 100',
      );
      const report = await purge().run({ entities: [Item], maxRows: 15 });
      expect(report.outcome).toBe('row-limit');
      expect(await count('item')).toBe(101 - report.total);
    });

    it('tells circles that it has not come to neither as locked nor as blocked', async () => {
      await test.database.query(`
        update item set parent_id = case when id % 2 = 1 then id + 1 else id - 1 end where id <= 100`);
      const user = await test.database.connect();
      await user.query('begin; select from item where id = 1 for update');
      const locked: number[] = [];
      try {
        const limited = await purge(undefined, { batchSize: 4, lockTimeout: 10 }).run({
          entities: [Item],
          maxRows: 10,
          onProgress: (progress) => locked.push(progress.locked),
        });
        expect(limited.outcome).toBe('row-limit');
        expect(limited.entities[0]).toMatchObject({ purged: limited.total, blocked: 0, failed: 0 });
        // The locked circle is among those that it has come to, or it is not.
        expect([0, 1, 2]).toEqual(expect.arrayContaining([...locked, limited.entities[0]!.locked]));
        const rest = await purge(undefined, { lockTimeout: 10 }).run({ entities: [Item] });
        expect(rest.outcome).toBe('completed');
        expect(rest.entities[0]).toMatchObject({ purged: 98 - limited.total, blocked: 0, failed: 0, locked: 2 });
      } finally {
        await user.end();
      }
      expect(await count('item')).toBe(3);
    });

    it.each([0, -1, 1.5, '10'])('is refused if it is no number of rows: %p', async (maxRows) => {
      await expect(purge().run({ maxRows: maxRows as number })).rejects.toThrow(SoftDeleteConfigError);
      expect(() => purge(undefined, { maxRows })).toThrow(SoftDeleteConfigError);
    });

    const count = async (table: string) =>
      (await test.database.query(`select count(*)::int as n from ${table}`))[0]!.n as number;
  });

  describe(window.name, () => {
    const clock = async () =>
      (await test.database.query(`select extract(hour from now() at time zone 'Asia/Tokyo')::int as hour`))[0]!
        .hour as number;
    const at = (hour: number) => `${String((hour + 24) % 24).padStart(2, '0')}:00`;

    it('lets a run begin inside of it, around midnight too, by the clock of its time zone', async () => {
      const hour = await clock();
      const throttle = window({ from: at(hour - 1), to: at(hour + 2), timeZone: 'Asia/Tokyo' });
      expect(await purge(throttle).run()).toMatchObject({ outcome: 'completed', total: 150 });
    });

    it('ends a run outside of it before the first batch', async () => {
      const hour = await clock();
      const throttle = window({ from: at(hour + 2), to: at(hour - 1), timeZone: 'Asia/Tokyo' });
      expect(await purge(throttle).run()).toMatchObject({ outcome: 'throttled', total: 0 });
    });

    it.each([
      { from: '25:00', to: '06:00', timeZone: 'UTC' },
      { from: '22:00', to: '6', timeZone: 'UTC' },
      { from: '22:00', to: '22:00', timeZone: 'UTC' },
      { from: '22:00', to: '06:00', timeZone: 'Mars' },
      { from: '22:00', to: '06:00', timeZone: 'UTC', until: '07:00' },
    ])('refuses %p', (options) => {
      expect(() => window(options)).toThrow(SoftDeleteConfigError);
    });
  });

  describe(replicationLag.name, () => {
    it('goes on where no standby is behind', async () => {
      expect(await purge(replicationLag({ max: '1s' })).run()).toMatchObject({ outcome: 'completed', total: 150 });
    });

    it('refuses what is no duration', () => {
      expect(() => replicationLag({ max: '90' as never })).toThrow(SoftDeleteConfigError);
    });
  });

  describe(vacuumBacklog.name, () => {
    it('waits while a table is full of dead rows, and goes on after a vacuum', async () => {
      await test.database.query(`
        insert into item (id) select n from generate_series(1000, 1999) as n;
        delete from item where id >= 1000;
        alter table item set (autovacuum_enabled = off)`);
      await settled('item', (dead) => dead > 500);
      expect(
        await purge(vacuumBacklog({ maxDeadShare: 0.5 })).run({ entities: [Item], timeBudget: 300 }),
      ).toMatchObject({
        outcome: 'time-budget',
        total: 0,
      });
      await test.database.query('vacuum item');
      await settled('item', (dead) => dead < 10);
      expect(await purge(vacuumBacklog({ maxDeadShare: 0.5 })).run({ entities: [Log] })).toMatchObject({ total: 50 });
    });

    it.each([0, 1, -1, NaN, '0.2'])('refuses %p', (maxDeadShare) => {
      expect(() => vacuumBacklog({ maxDeadShare: maxDeadShare as number })).toThrow(SoftDeleteConfigError);
    });

    /** Statistics come a moment after what they count. */
    const settled = async (table: string, isSettled: (dead: number) => boolean) => {
      for (;;) {
        const [row] = await test.database.query(
          `select pg_stat_force_next_flush(), pg_stat_clear_snapshot(),
             (select n_dead_tup::int from pg_stat_all_tables where relid = '${table}'::regclass) as dead`,
        );
        if (isSettled(row!.dead as number)) {
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
  });
});
