import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, type PurgeProgress, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Item = softDeletable(
  defineEntity({
    name: 'Item',
    tableName: 'item',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;
  const lines: string[] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);

  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    test = await createTestOrm([Item], { debug: false, logger: (line) => lines.push(line) }, false);
  });
  beforeEach(async () => {
    lines.length = 0;
    unhandled.length = 0;
    await test.database.query(`
      truncate item;
      insert into item select n, now() - interval '40 days' from generate_series(1, 100) as n;
      insert into item values (101, null);
    `);
  });
  afterAll(async () => {
    process.off('unhandledRejection', onUnhandled);
    await test.close();
  });

  it.each<{ how: string; fail: () => unknown }>([
    {
      how: 'throws',
      fail: () => {
        throw new Error('queue is away');
      },
    },
    { how: 'rejects', fail: () => Promise.reject(new Error('queue is away')) },
    {
      how: 'rejects later',
      fail: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error('queue is away');
      },
    },
    {
      how: 'throws what looks like an error of the database',
      fail: () => {
        throw Object.assign(new Error('queue is away'), { code: '57P01' });
      },
    },
    {
      how: 'throws no error',
      fail: () => {
        // eslint-disable-next-line no-throw-literal
        throw 'queue is away';
      },
    },
    {
      how: 'returns a thenable that rejects',
      // eslint-disable-next-line unicorn/no-thenable
      fail: () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error('queue is away')) }),
    },
  ])('goes on when onProgress $how, and logs it once', async ({ fail }) => {
    let calls = 0;

    const report = await createPurge(test.orm, { batchSize: 10, pauseBetweenBatches: 0 }).run({
      onProgress: () => {
        calls++;
        return fail();
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(report).toMatchObject({ outcome: 'completed', total: 100 });
    expect(calls).toBeGreaterThanOrEqual(10);
    await expect(test.database.query('select id from item')).resolves.toEqual([{ id: 101 }]);
    expect(unhandled).toEqual([]);
    expect(lines).toEqual([
      expect.stringContaining('onProgress of the purge failed, and the run goes on: queue is away'),
    ]);
  });

  it('outlives what rejects after the run', async () => {
    const waiting: (() => void)[] = [];

    await createPurge(test.orm, { batchSize: 50, pauseBetweenBatches: 0 }).run({
      onProgress: () => new Promise((_, reject) => waiting.push(() => reject(new Error('queue is away')))),
    });
    waiting.forEach((reject) => reject());
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(waiting).toHaveLength(2);
    expect(unhandled).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  describe('locked', () => {
    const lock = async (ids: string) => {
      const user = await test.database.connect();
      await user.query(`begin; select from item where id in (${ids}) for update`);
      return user;
    };

    it.each([
      { how: 'as ranges', hasHook: false },
      { how: 'with a hook', hasHook: true },
    ])('counts the rows that somebody else has locked, until they are free: $how', async ({ hasHook }) => {
      const user = await lock('5, 6, 15');
      const steps: PurgeProgress[] = [];
      const purge = createPurge(test.orm, { batchSize: 10, pauseBetweenBatches: 0, lockTimeout: 10 });
      if (hasHook) {
        purge.registerHook(Item.class, () => undefined);
      }

      const report = await purge.run({
        onProgress: async (progress) => {
          steps.push(progress);
          if (progress.purged === 97) {
            await user.query('commit');
          }
        },
      });
      await user.end();

      const found = steps.map(({ purged, batchRows, locked }) => [purged, batchRows, locked]);
      expect(found.slice(0, 3)).toEqual([
        [8, 8, 2],
        [17, 9, 3],
        [27, 10, 3],
      ]);
      expect(found.at(-1)).toEqual([100, 3, 0]);
      expect(report.entities[0]).toMatchObject({ purged: 100, blocked: 0, locked: 0 });
    });

    it('is told apart from blocked where a run is stopped', async () => {
      await test.database.query(`
        create table ticket (item_id int references item);
        create index on ticket (item_id);
        insert into ticket values (3), (12), (13), (14)`);
      const user = await lock('5, 15');
      try {
        const { outcome, entities } = await createPurge(test.orm, {
          batchSize: 10,
          pauseBetweenBatches: 0,
          lockTimeout: 10,
        }).run({ maxRows: 30 });

        expect(outcome).toBe('row-limit');
        expect(entities[0]).toMatchObject({ purged: 30, blocked: 4, locked: 2 });
      } finally {
        await user.end();
        await test.database.query('drop table ticket');
      }
    });

    it('is what is left of the locked rows where a run is stopped at its end', async () => {
      const user = await lock('5, 6, 15');
      const controller = new AbortController();

      const { outcome, entities } = await createPurge(test.orm, {
        batchSize: 50,
        pauseBetweenBatches: 0,
        lockTimeout: 10,
      }).run({
        signal: controller.signal,
        onProgress: ({ purged }) => purged === 97 && setTimeout(() => controller.abort(), 100),
      });
      await user.end();

      expect(outcome).toBe('aborted');
      expect(entities[0]).toMatchObject({ purged: 97, blocked: 0, locked: 3 });
    });

    it('leaves out what others have restored or removed meanwhile', async () => {
      const user = await lock('5, 6, 15');
      const steps: PurgeProgress[] = [];
      await user.query('update item set deleted_at = null where id = 5; delete from item where id = 6');

      const report = await createPurge(test.orm, { batchSize: 100, pauseBetweenBatches: 0, lockTimeout: 10 }).run({
        onProgress: async (progress) => {
          steps.push(progress);
          await user.query('commit');
        },
      });
      await user.end();

      expect(steps[0]).toMatchObject({ purged: 97, locked: 3 });
      expect(steps.at(-1)).toMatchObject({ purged: 98, locked: 0 });
      expect(report.entities[0]).toMatchObject({ purged: 98, blocked: 0, locked: 0 });
    });
  });
});
