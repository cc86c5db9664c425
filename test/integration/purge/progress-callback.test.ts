import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
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
});
