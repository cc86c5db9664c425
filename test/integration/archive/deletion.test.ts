import { type EntityManager, IsolationLevel } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createCompliance, LegalHoldError } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Product, Shop } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Deletion of archived rows', () => {
  const world = useShop();

  beforeEach(() => world.plant());

  it('moves the row and what leaves with it to the archive, as one unit', async () => {
    const { affected, total, deletedAt } = await world.repo(Product).softDelete(1);

    expect(affected).toEqual({ Product: 1, Variant: 2, Remark: 1, Offer: 1 });
    expect(total).toBe(5);
    expect(await world.archived()).toEqual([
      'Product 1',
      'Remark 1',
      'Variant 1',
      'Variant 2',
      'product_labels ["1","1"]',
    ]);
    const contents = await world.contents();
    expect(contents['product']).toEqual(['(2,Milk,M-1,1)']);
    expect(contents['variant']).toEqual(['(3,litre,2)']);
    expect(contents['remark']).toEqual([]);
    expect(contents['product_labels']).toEqual(['(2,1)']);
    expect(contents['bookmark']).toEqual(['(1,)', '(2,2)']);
    const times = await world.database.query(
      'select distinct unit::text as unit from deletion_archive union select deleted_at::text from offer',
    );
    expect(times).toHaveLength(1);
    expect(new Date(times[0]!.unit).getTime()).toBe(deletedAt.getTime());
  });

  it('writes what the row held as text, with the types of its columns', async () => {
    await world.repo(Product).softDelete(1, { actor: 'ada', reason: 'sold out' });

    const [row] = await world.database.query(
      `select data, types, entity, schema, owners, actor, reason from deletion_archive where part = 'Product'`,
    );
    expect(row).toEqual({
      data: { id: '1', sku: 'B-1', name: 'Bread', shop_id: '1' },
      types: 'int4\nvarchar(255)\nvarchar(255)\nint4',
      entity: 'Product',
      schema: '',
      owners: null,
      actor: 'ada',
      reason: 'sold out',
    });
  });

  it('frees unique values at once', async () => {
    await world.repo(Product).softDelete(1);

    await world.database.query(`insert into product (id, name, sku, shop_id) values (3, 'Rolls', 'B-1', 1)`);
  });

  it('takes archived rows along with a soft-deleted one', async () => {
    const { affected } = await world.repo(Shop).softDelete(1);

    expect(affected).toEqual({ Shop: 1, Product: 2, Variant: 3, Remark: 1, Offer: 1 });
    expect((await world.contents())['product']).toEqual([]);
    const [row] = await world.database.query(
      `select owners from deletion_archive where part = 'Product' and key = '1'`,
    );
    expect(row.owners).toEqual(['Shop:1']);
  });

  it('is refused while a member of a restrict relation is there, with nothing changed', async () => {
    await world.database.query('insert into booking (id, product_id) values (1, 1)');
    const before = await world.contents();

    await expect(world.repo(Product).softDelete(1)).rejects.toThrow(DeletionRestrictedError);
    await expect(world.repo(Shop).softDelete(1)).rejects.toThrow(
      'Shop was not deleted: 1 Booking row prevents it (Product.bookings).',
    );
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toEqual([]);
  });

  it('is refused where a table that the ORM does not map points at a row', async () => {
    await world.database.query(
      'create table stray (id int primary key, product_id int references product on delete cascade)',
    );
    await world.database.query('insert into stray values (1, 2)');
    try {
      await expect(world.repo(Product).softDelete(2)).rejects.toThrow(
        '1 public.stray row prevents it (stray_product_id_fkey)',
      );
    } finally {
      await world.database.query('drop table stray');
    }
  });

  it('tells what it would do without doing it', async () => {
    const before = await world.contents();

    const preview = await world.repo(Shop).softDelete(1, { dryRun: true });

    expect(preview).toEqual({
      affected: { Shop: 1, Product: 2, Variant: 3, Remark: 1, Offer: 1 },
      total: 8,
      restrictions: [],
    });
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toEqual([]);
  });

  it('deletes by condition, by nativeDelete() of the repository and of the entity manager', async () => {
    expect(await world.repo(Product).nativeDelete({ name: 'Milk' })).toBe(1);
    expect(await world.em.nativeDelete(Product, { shop: 1 })).toBe(1);
    expect(await world.archived()).toHaveLength(8);
    await expect(world.em.createQueryBuilder(Product).delete({ id: 1 }).execute()).rejects.toThrow('physically');
  });

  it('leaves the settings of the session as they were', async () => {
    await world.em.transactional(async (em) => {
      await em.execute(`set local datestyle = 'German, DMY'; set local timezone = 'Asia/Tokyo'`);
      await em.getRepository(Product).nativeDelete({ id: 1 });
      expect(
        await em.execute(`select current_setting('datestyle') as style, current_setting('timezone') as zone`),
      ).toEqual([{ style: 'German, DMY', zone: 'Asia/Tokyo' }]);
    });
  });

  it('tells the events, after the commit, with the keys', async () => {
    const events: unknown[] = [];
    const { getInstallation } = await import('../../../lib/installation/installation.js');
    const subscription = getInstallation(world.em).events.stream$.subscribe((event) => events.push(event));
    const { deletedAt } = await world.repo(Product).softDelete({ name: 'Milk' }, { actor: 'ada' });
    subscription.unsubscribe();

    expect(events).toEqual([
      { type: 'archived', entity: 'Product', count: 1, keys: [2], deletedAt, actor: 'ada' },
      { type: 'archived', entity: 'Variant', count: 1, keys: [3], deletedAt, actor: 'ada' },
    ]);
  });

  it('forgets the entities in memory, and has them again where the transaction does not last', async () => {
    const product = await world.em.findOneOrFail(Product, 1, { populate: ['variants'] });
    await expect(
      world.em.transactional(async (em) => {
        await em.getRepository(Product).nativeDelete({ id: 1 });
        expect(await em.findOne(Product, 1)).toBeNull();
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(await world.em.findOne(Product, 1)).toBe(product);

    await world.repo(Product).softDelete(1);
    expect(await world.em.findOne(Product, 1)).toBeNull();
  });

  it('removes rows for good by hardDelete(), in their table and in the archive, each time they were deleted', async () => {
    await world.repo(Product).softDelete(2);
    await world.database.query(`insert into product (id, name, shop_id) values (2, 'Cream', 1)`);
    await world.repo(Product).softDelete({});
    await world.database.query(`insert into product (id, name, shop_id) values (2, 'Butter', 1)`);

    expect(await world.repo(Product).hardDelete(2, { dryRun: true })).toEqual({
      affected: { Product: 3, Variant: 1 },
      total: 4,
      restrictions: [],
    });
    expect(await world.archived()).toHaveLength(9);
    expect(await world.repo(Product).hardDelete(2)).toBe(4);
    expect(await world.archived()).toEqual([
      'Product 1',
      'Remark 1',
      'Variant 1',
      'Variant 2',
      'product_labels ["1","1"]',
    ]);
    expect((await world.contents())['product']).toEqual([]);
    const [record] = await createCompliance(world.orm).log.find({ action: 'hard-deleted', entity: Product });
    expect(record).toMatchObject({ count: 3, keys: [2, 2, 2] });
    expect(await world.repo(Product).hardDelete({ name: 'Bread' })).toBe(4);
    expect(await world.archived()).toEqual([]);
  });

  it('removes nothing from the archive by hardDelete() that a legal hold may cover', async () => {
    const { holds } = createCompliance(world.orm);
    await world.repo(Product).softDelete(1);
    const { id } = await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Shop, 1]] });
    const before = await world.archived();

    await expect(world.repo(Product).hardDelete(1)).rejects.toThrow(LegalHoldError);
    expect((await world.repo(Product).hardDelete(1, { dryRun: true })).restrictions).toContainEqual({
      relation: 'the legal hold "dispute"',
      entity: 'Product',
      count: 1,
    });
    expect(await world.archived()).toEqual(before);
    await holds.release(id, { reason: 'settled' });
    expect(await world.repo(Product).hardDelete(1)).toBe(4);
  });

  it('sees a hold that was placed after the snapshot of its transaction', async () => {
    await world.repo(Product).softDelete(1);
    const em = world.orm.em.fork() as EntityManager;
    await em.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ });
    await em.execute('select 1 from shop');
    const { holds } = createCompliance(world.orm);
    await holds.place({ name: 'dispute', reason: 'asked by counsel', on: [[Shop, 1]] });
    const before = await world.archived();

    await expect(new SoftDeleteRepository(em, Product).hardDelete(1)).rejects.toThrow(LegalHoldError);
    await em.rollback();
    expect(await world.archived()).toEqual(before);
  });
});
