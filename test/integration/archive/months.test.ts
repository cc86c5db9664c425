import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, type PurgeService, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive, rewriteArchive } from '../../support/change-archive.js';
import { Product, SHOP, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Months of the archive', () => {
  const world = useShop();
  let purge: PurgeService;

  beforeAll(() => {
    purge = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0, lockTimeout: 200 } as never);
  });
  beforeEach(async () => {
    await world.plant();
    await world.database
      .query(`set session_replication_role = 'replica'; delete from deletion_record; delete from legal_hold_row;
      delete from legal_hold; reset session_replication_role`);
    await addMonths();
  });

  const addMonths = async () => {
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await world.database.query(sql);
    }
  };
  /** So that the month they were deleted in is over, and exists. */
  const age = async (days: number) => {
    await ageArchive(world.database, days);
    await addMonths();
  };
  const monthsOf = async () =>
    (
      await world.database.query(
        `select distinct a.tableoid::regclass::text as name from deletion_archive as a order by 1`,
      )
    ).map(({ name }) => name as string);
  const exists = async (table: string) => {
    const [{ there }] = (await world.database.query(`select to_regclass('${table}') is not null as there`)) as [
      { there: boolean },
    ];
    return there;
  };

  it('go as a whole once everything in them is due, with a record of each entity, that its rows find', async () => {
    await world.repo(Product).softDelete({});
    await age(70);
    await world.repo(Shop).softDelete(1);
    const [month] = await monthsOf();
    expect(month).toMatch(/^deletion_archive_\d{4}_\d\d$/);
    await world.database.query(
      `set session_replication_role = 'replica'; update deletion_record as r set unit = a.unit from deletion_archive as a
       where a.entity = r.entity and r.action = 'archived' and r.entity in ('Product', 'Variant'); reset session_replication_role`,
    );
    world.statements.length = 0;

    const { entities, total } = await purge.run();

    expect(entities.filter(({ purged }) => purged > 0).map(({ entity, purged }) => `${entity} ${purged}`)).toEqual([
      'Variant 3',
      'Product 2',
    ]);
    expect(total).toBe(5);
    expect(await exists(month!)).toBe(false);
    expect(await world.archived()).toEqual([]);
    expect(world.statements.filter((sql) => /^delete/i.test(sql))).toEqual([]);
    const { log } = createCompliance(world.orm);
    expect(await log.find({ action: 'purged' })).toMatchObject([
      { entity: 'Variant', count: 3 },
      { entity: 'Product', count: 2 },
    ]);
    expect((await log.of(Variant, 2)).map(({ action }) => action)).toEqual(['purged', 'archived']);
    expect((await log.of(Variant, 99)).map(({ action }) => action)).toEqual([]);
  });

  it('stay while a row in them is not due, belongs to an entity that is not asked for, or to one that nobody purges', async () => {
    await world.repo(Product).softDelete(1);
    await age(70);
    const [month] = await monthsOf();

    expect((await purge.run({ entities: [Variant] })).total).toBe(2);
    expect(await exists(month!)).toBe(true);
    await world.database.query(
      `insert into deletion_archive select 'Gone', key, unit, 'Gone', schema, owners, data, types from deletion_archive where part = 'Product'`,
    );
    await purge.run();
    expect(await exists(month!)).toBe(true);
    expect(await world.archived()).toEqual(['Gone 1']);
    const [{ from }] = (await world.database.query(
      `select date_trunc('month', min(unit) at time zone 'UTC')::text as from from deletion_archive`,
    )) as [{ from: string }];
    await rewriteArchive(
      world.database,
      `'Product' as entity`,
      `'Product' as part`,
      `timestamptz '${from}+00' as unit`,
    );
    expect((await purge.run({ olderThan: Date.now() - Date.parse(`${from.replace(' ', 'T')}Z`) - 60_000 })).total).toBe(
      1,
    );
    expect(await exists(month!)).toBe(true);
  });

  it('stay while a hold may cover a row in them, and go if it cannot', async () => {
    const { holds } = createCompliance(world.orm);
    await world.repo(Product).softDelete(1);
    await age(70);
    const [month] = await monthsOf();
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Shop, 1]] });

    const { entities } = await purge.run();
    expect(entities.find(({ entity }) => entity === 'Product')).toMatchObject({ purged: 0, held: 1 });
    expect(await exists(month!)).toBe(true);
    await holds.release(id, { reason: 'settled' });
    await purge.run();
    expect(await exists(month!)).toBe(false);
  });

  it('are purged row by row while somebody works with them, and nobody waits for that', async () => {
    await world.repo(Product).softDelete({});
    await age(70);
    const [month] = await monthsOf();
    const client = await world.database.connect();
    try {
      await client.query('begin');
      await client.query(`select 1 from deletion_archive where part = 'Product' and key = '1' for update`);
      const { entities } = await purge.run();
      expect(entities.find(({ entity }) => entity === 'Product')).toMatchObject({ purged: 0, locked: 2 });
      expect(await exists(month!)).toBe(true);
    } finally {
      await client.query('rollback');
      await client.end();
    }
    await purge.run();
    expect(await world.archived()).toEqual([]);
  });

  it('are purged row by row by a role that owns none of them', async () => {
    await world.repo(Product).softDelete(1);
    await age(70);
    const [month] = await monthsOf();
    await world.database
      .query(`do $$ begin create role clerk login password 'clerk'; exception when duplicate_object then null; end $$;
      grant select, insert, update, delete on all tables in schema public to clerk; grant usage on all sequences in schema public to clerk`);
    const url = new URL(world.database.url);
    Object.assign(url, { username: 'clerk', password: 'clerk' });
    const orm = await MikroORM.init({
      clientUrl: url.href,
      entities: [...SHOP, ...complianceEntities()],
      extensions: [softDelete()],
    });
    try {
      await createPurge(orm, { retention: '1d', pauseBetweenBatches: 0 } as never).run();
    } finally {
      await orm.close(true);
      await world.database.query('drop owned by clerk');
    }
    expect(await exists(month!)).toBe(true);
    expect(await world.archived()).toEqual([]);
  });
});
