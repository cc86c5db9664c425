import { createPurge, type PurgeService, type SoftDeleteEvent } from 'nestjs-mikro-orm-soft-delete';
import { createCompliance, LegalHoldError } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive } from '../../support/change-archive.js';
import { findInstallation } from '../../../lib/installation/installation.js';
import { Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Purge of archived rows', () => {
  const world = useShop();
  let purge: PurgeService;

  beforeAll(() => {
    purge = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0 } as never);
  });
  beforeEach(() => world.plant());

  const age = (days: number) => ageArchive(world.database, days);
  const reportOf = async (options = {}) => {
    const { entities, total } = await purge.run(options);
    return { total, ...entities.find(({ entity }) => entity === 'Product') };
  };

  it('removes units whose retention is over, with what was removed along', async () => {
    await world.repo(Product).softDelete(1);
    await age(40);
    await world.repo(Product).softDelete(2);

    expect(await reportOf({ dryRun: true })).toMatchObject({ purged: 1, table: 'deletion_archive' });
    expect(await world.archived()).toHaveLength(8);
    const events: SoftDeleteEvent[] = [];
    const subscription = findInstallation(world.orm.em)!.events.stream$.subscribe((event) => events.push(event));
    expect(await reportOf()).toMatchObject({ purged: 1, locked: 0, blocked: 0, failed: 0 });
    subscription.unsubscribe();
    expect(events.find(({ entity }) => entity === 'Product')).toMatchObject({ type: 'purged', count: 1, keys: [1] });
    expect(await world.archived()).toEqual(['Product 2', 'Variant 3', 'product_labels ["2","1"]']);
  });

  it('uses the retention of each entity, the default of the module included', async () => {
    await world.repo(Product).softDelete(1);
    await age(2);

    const { entities } = await purge.run();
    expect(entities.map(({ entity, purged }) => `${entity} ${purged}`)).toContain('Variant 2');
    expect(await world.archived()).toEqual(['Product 1', 'Remark 1', 'product_labels ["1","1"]']);
    expect(await reportOf({ entities: [Product] })).toMatchObject({ purged: 0 });
  });

  it('removes many in batches, each unit as a whole', async () => {
    await world.database.query(
      `insert into product (id, name, shop_id) select g, 'p' || g, 1 from generate_series(1000, 1019) as g`,
    );
    for (let id = 1000; id < 1020; id++) {
      await world.repo(Product).softDelete(id);
    }
    await age(40);

    expect(await reportOf({ batchSize: 7 })).toMatchObject({ purged: 20, batches: 3 });
    expect(await world.archived()).toEqual([]);
  });

  it('passes over what somebody restores, and says so', async () => {
    await world.repo(Product).softDelete(1);
    await world.repo(Product).softDelete(2);
    await age(40);
    const client = await world.database.connect();
    try {
      await client.query('begin');
      await client.query(`select 1 from deletion_archive where part = 'Product' and key = '1' for update`);
      expect(await reportOf()).toMatchObject({ purged: 1, locked: 1 });
      expect(await world.archived()).toEqual(['Product 1', 'Remark 1', 'product_labels ["1","1"]']);
    } finally {
      await client.query('rollback');
      await client.end();
    }
    expect(await reportOf()).toMatchObject({ purged: 1, locked: 0 });
  });

  describe('where a handler', () => {
    const withHandler = async (sql: (id: number, call: number) => string | undefined) => {
      await world.repo(Product).softDelete(1);
      await world.repo(Product).softDelete(2);
      await age(40);
      let calls = 0;
      const service = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0 });
      service.registerHook(Product, async (rows, { em }) => {
        for (const { id } of rows) {
          const statement = sql(id, ++calls);
          await (statement && em.execute(statement));
        }
      });
      const { outcome, entities } = await service.run();
      return { outcome, ...entities.find(({ entity }) => entity === 'Product') };
    };

    it('waits for a lock too long, passes over the row and goes on', async () => {
      const client = await world.database.connect();
      try {
        await client.query('begin; select from label where id = 1 for update');
        const report = await withHandler((id) => (id === 1 ? 'select from label where id = 1 for update' : undefined));
        expect(report).toMatchObject({ outcome: 'completed', purged: 1, locked: 1, failed: 0 });
      } finally {
        await client.query('rollback');
        await client.end();
      }
    });

    it('is the victim of a deadlock, tries again', async () => {
      const report = await withHandler((_, call) =>
        call === 1 ? `do $$ begin raise 'deadlock' using errcode = '40P01'; end $$` : undefined,
      );
      expect(report).toMatchObject({ outcome: 'completed', purged: 2, locked: 0, failed: 0 });
    });

    it('takes too long for a row, reports it as failed and goes on', async () => {
      const slow = 'set local statement_timeout = 10; select pg_sleep(1)';
      const report = await withHandler((id) => (id === 1 ? slow : undefined));
      expect(report).toMatchObject({ outcome: 'completed', purged: 1, locked: 0, failed: 1 });
      expect(report.failures).toMatchObject([{ key: 1, sqlState: '57014' }]);
    });
  });

  it('says that rows are locked while a transaction that places a hold is open', async () => {
    await world.repo(Product).softDelete(1);
    await age(40);
    const client = await world.database.connect();
    try {
      await client.query('begin; select pg_advisory_xact_lock(1752132708, 0)');
      expect(await reportOf()).toMatchObject({ purged: 0, locked: 1 });
    } finally {
      await client.query('rollback');
      await client.end();
    }
    expect(await reportOf()).toMatchObject({ purged: 1, locked: 0 });
  });

  it('gives a row to the restoration or to the purge, never to neither', async () => {
    for (let round = 0; round < 5; round++) {
      await world.repo(Variant).softDelete(1);
      await age(40);
      const [{ total: purged }, { total }] = await Promise.all([
        purge.run({ entities: [Variant] }),
        world.repo(Variant, world.fork()).restore(1),
      ]);
      const [{ count }] = (await world.database.query('select count(*)::int from variant where id = 1')) as [
        { count: number },
      ];
      expect([purged + total, count]).toEqual([1, total]);
      await world.database.query(`insert into variant values (1, 'small', 1) on conflict do nothing`);
    }
  });

  it('keeps rows that active archived ones point at', async () => {
    await world.repo(Shop).softDelete(1);
    await world.database.query(`update shop set deleted_at = deleted_at - interval '40 days'`);
    await world.database.query(`insert into product (id, name, shop_id) values (9, 'late', 1)`);

    const { entities } = await purge.run();
    expect(entities.find(({ entity }) => entity === 'Shop')).toMatchObject({ purged: 0, blocked: 1 });
    expect((await world.contents())['product']).toEqual(['(9,late,,1)']);
  });

  it('removes nothing that a legal hold may cover, whatever row it was placed on, and goes on after its release', async () => {
    const { holds } = createCompliance(world.orm);
    await world.repo(Product).softDelete(1);
    await age(40);
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Shop, 1]] });
    const before = await world.archived();

    expect(await reportOf({ dryRun: true })).toMatchObject({ purged: 0, held: 1 });
    expect(await reportOf()).toMatchObject({ purged: 0, held: 1, locked: 0 });
    expect(await world.archived()).toEqual(before);
    await holds.release(id, { reason: 'settled' });
    expect(await reportOf()).toMatchObject({ purged: 1, held: 0 });
    expect(await world.archived()).toEqual([]);
  });

  it('goes on while holds are active that cannot cover archived rows of the entity, or what was archived along with them', async () => {
    const { holds } = createCompliance(world.orm);
    await world.repo(Product).softDelete(1);
    await age(40);
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Variant, 3]] });

    expect(await reportOf({ dryRun: true })).toMatchObject({ purged: 1, held: 0 });
    const { entities } = await purge.run();
    expect(entities.map(({ entity, purged, held }) => [entity, purged, held])).toEqual(
      expect.arrayContaining([
        ['Product', 1, 0],
        ['Variant', 0, 2],
      ]),
    );
    expect(await world.archived()).toEqual(['Variant 1', 'Variant 2']);
    await holds.release(id, { reason: 'settled' });
  });

  it('takes holds on archived rows, whether they are in their table or in the archive', async () => {
    const { holds } = createCompliance(world.orm);
    await world.repo(Variant).softDelete(1);
    await age(40);
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Variant, 1]] });

    expect((await purge.run({ entities: [Variant] })).total).toBe(0);
    expect(await world.archived()).toEqual(['Variant 1']);
    await expect(holds.place({ name: 'other', reason: 'as well', on: [[Variant, 77]] })).rejects.toThrow(
      'there is no Variant 77',
    );
    await world.repo(Variant).restore(1);
    await expect(world.repo(Variant).hardDelete(1)).rejects.toThrow(LegalHoldError);
    expect(await holds.of(Variant, 1)).toHaveLength(1);
    await holds.release(id, { reason: 'settled' });
  });

  it('ends where a hold is placed while it runs', async () => {
    const { holds } = createCompliance(world.orm);
    await world.database.query(
      `insert into product (id, name, shop_id) select g, 'p' || g, 1 from generate_series(1000, 1299) as g`,
    );
    for (let id = 1000; id < 1300; id++) {
      await world.repo(Product).softDelete(id);
    }
    await age(40);
    const run = purge.run({ batchSize: 1 });
    const left = async () => (await world.archived()).length;
    while ((await left()) > 290) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Shop, 1]] });
    const placed = await left();

    const { outcome, entities } = await run;
    expect(placed).toBeGreaterThan(0);
    expect(outcome).toBe('completed');
    expect(entities.find(({ entity }) => entity === 'Product')).toMatchObject({ purged: 300 - placed, held: placed });
    expect(await left()).toBe(placed);
    await holds.release(id, { reason: 'settled' });
  });
});
