import { createPurge, type PurgeService } from 'nestjs-mikro-orm-soft-delete';
import { PurgeHealthIndicator } from 'nestjs-mikro-orm-soft-delete';
import { ageArchive } from '../../support/change-archive.js';
import { Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('What the purge says of archived entities', () => {
  const world = useShop();
  let purge: PurgeService;

  const DAY = 86_400_000;

  beforeEach(async () => {
    purge = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0 } as never);
    await world.database.query(
      `set session_replication_role = 'replica'; delete from deletion_record; reset session_replication_role`,
    );
    await world.plant();
  });

  const age = (days: number) => ageArchive(world.database, days);
  const of = <Entry extends { entity: string }>(entries: readonly Entry[], entity = 'Product') =>
    entries.find((entry) => entry.entity === entity)!;
  /** Products from 1000 on, each a unit of its own. */
  const archiveMany = async (count: number, days: number) => {
    await world.database.query(
      `insert into deletion_archive (part, key, unit, entity, data, types)
       select 'Product', n::text, clock_timestamp() - interval '${days} days' + n * interval '1 millisecond', 'Product',
         jsonb_build_object('id', n::text, 'sku', null, 'name', 'p' || n, 'shop_id', '1'), 'int4' || E'\\nvarchar(255)\\nvarchar(255)\\nint4'
       from generate_series(1000, ${999 + count}) as n`,
    );
  };

  it('counts them in status(), with how far behind it is', async () => {
    await world.repo(Product).softDelete(1);
    await age(31);
    await world.repo(Product).softDelete(2);

    const status = of((await purge.status()).entities);
    expect(status).toMatchObject({
      table: 'deletion_archive',
      retention: 30 * DAY,
      deleted: 2,
      due: 1,
      blocked: 0,
    });
    expect(status.overdueBy / DAY).toBeCloseTo(1, 1);
    expect(of((await purge.status()).entities, 'Variant')).toMatchObject({ retention: DAY, deleted: 3, due: 2 });
  });

  it('has them in plan() and lag(), by one index entry each, and in the health', async () => {
    await world.repo(Product).softDelete(1);
    await age(40);

    expect(of((await purge.plan()).entities)).toMatchObject({
      table: 'deletion_archive',
      retention: 30 * DAY,
      blockedBy: [],
    });
    const lag = of((await purge.lag()).entities);
    expect(lag.overdueBy / DAY).toBeCloseTo(10, 1);
    expect(of((await purge.lag({ unblocked: true })).entities)).toMatchObject({ due: 1, blocked: 0 });
    const health = new PurgeHealthIndicator(purge);
    expect((await health.isHealthy('purge', { sla: '1d' })).purge).toMatchObject({
      status: 'down',
      message: 'The purge is behind for Variant, Product.',
    });
    await purge.run();
    expect((await health.isHealthy('purge')).purge.status).toBe('up');
    expect(of((await purge.lag()).entities)).toMatchObject({ oldestDue: undefined, overdueBy: 0 });
  });

  it('leaves them alone where far more are due than usual', async () => {
    purge = createPurge(world.orm, {
      retention: '1d',
      pauseBetweenBatches: 0,
      brake: { factor: 5, atLeast: 20, share: 0.5 },
    } as never);
    await archiveMany(30, 40);

    const report = await purge.run();
    expect(report).toMatchObject({ outcome: 'braked', isFinished: true });
    expect(of(report.entities)).toMatchObject({ purged: 0, braked: { due: 30, limit: 20 } });
    expect(purge.braked).toEqual(['Product']);
    const [explained] = await purge.explain(Product, [1000]);
    expect(explained).toMatchObject({ state: 'braked' });
    expect((await world.archived()).length).toBe(30);
    expect((await purge.run({ overrideBrake: true })).total).toBe(30);
    // Ten runs with one row each make that the usual.
    await world.database.query(
      `insert into deletion_record (action, entity, unit, count) select 'purged', 'Product', now() + n * interval '1 second', 1 from generate_series(1, 10) as n`,
    );
    await archiveMany(30, 40);
    await world.database.query(
      `insert into product (id, name, shop_id) select n, 'p', 1 from generate_series(5000, 5999) as n`,
    );
    expect(of((await purge.run()).entities)).toMatchObject({ braked: { due: 30, usual: 1, limit: 20 } });
  });

  it('stops at the number of rows, at a throttle and at a signal, and goes on later', async () => {
    await archiveMany(10, 40);
    const progress: number[] = [];
    const limited = await purge.run({ maxRows: 4, batchSize: 3, onProgress: ({ purged }) => progress.push(purged) });
    expect(limited).toMatchObject({ outcome: 'row-limit', total: 4, isFinished: false });
    expect(progress).toEqual([3, 4]);
    purge = createPurge(world.orm, {
      retention: '1d',
      pauseBetweenBatches: 0,
      throttle: ({ entity, purged }: { entity: string; purged: number }) =>
        entity === 'Product' && purged >= 2 ? 'stop' : 'go',
    } as never);
    expect(await purge.run({ batchSize: 2 })).toMatchObject({ outcome: 'throttled', total: 2 });
    expect(await world.archived()).toHaveLength(4);
  });

  it('tells while it goes which rows somebody has locked, and passes over their units', async () => {
    await archiveMany(10, 40);
    const user = await world.database.connect();
    await user.query(`begin; select from deletion_archive where key in ('1001', '1004') for update`);
    const progress: unknown[] = [];
    const hooked = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0 } as never);
    hooked.registerHook(Product, () => undefined);

    const report = await purge.run({
      batchSize: 5,
      onProgress: ({ purged, locked }) => progress.push([purged, locked]),
    });
    const again = await hooked.run();
    await user.end();

    expect(progress).toEqual([
      [3, 2],
      [8, 2],
    ]);
    expect(of(report.entities)).toMatchObject({ purged: 8, locked: 2 });
    expect(of(again.entities)).toMatchObject({ purged: 0, locked: 2 });
    expect(of((await purge.run()).entities)).toMatchObject({ purged: 2, locked: 0 });
  });

  it('adapts the size of batches to the time that they take', async () => {
    await archiveMany(5_000, 40);
    const sizes: number[] = [];

    const report = await purge.run({ overrideBrake: true, onProgress: ({ batchRows }) => sizes.push(batchRows) });

    expect(of(report.entities)).toMatchObject({ purged: 5_000, locked: 0 });
    expect(new Set(sizes.slice(0, -1)).size).toBeGreaterThan(1);
  });

  it('calls hooks with the rows before they go, as instances, and leaves those that a hook refuses', async () => {
    await archiveMany(5, 40);
    await world.repo(Product).softDelete(1);
    await age(40);
    const seen: unknown[] = [];
    purge.registerHook(
      Product,
      async (rows, { em }) => {
        seen.push(...rows.map((row) => [row instanceof Product, row.id, row.name]));
        if (rows.some(({ id }) => id === 1002)) {
          throw new Error('not this one');
        }
        await em.execute(`update shop set name = name || '!'`);
      },
      { fields: ['name'] },
    );

    const report = of((await purge.run({ batchSize: 10 })).entities);

    expect(report).toMatchObject({
      purged: 5,
      failed: 1,
      locked: 0,
      failures: [{ key: 1002, message: 'not this one' }],
    });
    expect(seen).toEqual(
      expect.arrayContaining([
        [true, 1000, 'p1000'],
        [true, 1, 'Bread'],
        [true, 1004, 'p1004'],
      ]),
    );
    expect((await world.archived()).filter((row) => row.startsWith('Product'))).toEqual(['Product 1002']);
    const [{ name }] = (await world.database.query('select name from shop')) as [{ name: string }];
    expect(name.replace(/[^!]/g, '').length).toBeGreaterThan(0);
  });

  it('purges nothing of an entity that is not asked for', async () => {
    await world.repo(Product).softDelete(1);
    await age(40);
    expect((await purge.run({ entities: [Shop] })).total).toBe(0);
    expect((await purge.run({ entities: [Variant] })).total).toBe(2);
    expect((await purge.runJob((await purge.jobs())[0]!)).total).toBe(1);
  });
});
