import { RestoreConflictError } from 'nestjs-mikro-orm-soft-delete';
import { Bookmark, Offer, Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Restoration of archived rows', () => {
  const world = useShop();

  beforeEach(() => world.plant());

  async function conflictsOf(restoration: Promise<unknown>) {
    const error = await restoration.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RestoreConflictError);
    return (error as RestoreConflictError).conflicts;
  }

  it('brings back the unit as it was', async () => {
    const before = await world.contents();
    await world.repo(Product).softDelete(1);

    expect(await world.repo(Product).restore(1)).toEqual({
      affected: { Product: 1, Variant: 2, Remark: 1, Offer: 1 },
      total: 5,
    });
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toEqual([]);
  });

  it('brings back archived rows with the soft-deleted one that took them along', async () => {
    const before = await world.contents();
    await world.repo(Shop).softDelete(1);

    expect((await world.repo(Shop).restore(1)).affected).toEqual({
      Shop: 1,
      Product: 2,
      Variant: 3,
      Remark: 1,
      Offer: 1,
    });
    expect(await world.contents()).toEqual(before);
  });

  it('leaves what was deleted before where it is', async () => {
    await world.repo(Variant).softDelete(1);
    await world.repo(Offer).softDelete(1);
    await world.repo(Product).softDelete(1);
    await world.repo(Product).restore(1);

    expect(await world.archived()).toEqual(['Variant 1']);
    const [offer] = await world.database.query('select deleted_at is not null as deleted, product_id from offer');
    expect(offer).toEqual({ deleted: true, product_id: 1 });
  });

  it('restores one row of many in a unit', async () => {
    const { affected } = await world.repo(Product).softDelete({});
    expect(affected['Product']).toBe(2);

    await world.repo(Product).restore({ name: 'Milk' });
    const contents = await world.contents();
    expect(contents['product']).toEqual(['(2,Milk,M-1,1)']);
    expect(contents['variant']).toEqual(['(3,litre,2)']);
    expect(contents['product_labels']).toEqual(['(2,1)']);
    expect(contents['bookmark']).toEqual(['(1,)', '(2,2)']);
  });

  it('writes keys again only where they are still null', async () => {
    await world.repo(Product).softDelete(1);
    await world.database.query('update bookmark set product_id = 2 where id = 1');
    await world.repo(Product).restore(1);

    expect((await world.contents())['bookmark']).toEqual(['(1,2)', '(2,2)']);
  });

  it('leaves the sequence alone', async () => {
    await world.repo(Product).softDelete(1);
    await world.repo(Product).restore(1);
    const [row] = await world.database.query(`select nextval('product_id_seq')::int as id`);
    expect(row.id).toBe(100);
  });

  it('refuses where another row has the key, or a unique value', async () => {
    await world.repo(Product).softDelete(1);
    await world.database.query(`insert into product (id, name, sku, shop_id) values (1, 'Other', 'B-1', 1)`);
    const before = await world.contents();

    expect(await conflictsOf(world.repo(Product).restore(1))).toEqual([
      expect.objectContaining({ reason: 'key', entity: 'Product', key: 1, properties: ['id'], conflictingKey: 1 }),
      expect.objectContaining({ reason: 'unique', entity: 'Product', key: 1, properties: ['sku'], conflictingKey: 1 }),
    ]);
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toHaveLength(5);
  });

  it.each<[what: string, columns: string, properties: string[] | undefined]>([
    ['the property of each column', '(name, shop_id)', ['name', 'shop']],
    ['a column that the ORM does not know', '(name, extra)', ['name', 'extra']],
    ['no property where a value is an expression', '(shop_id, (lower(name)))', undefined],
  ])('names %s, and tells rows that come back together from active ones', async (_what, columns, properties) => {
    await world.database.query("alter table product add column extra text default 'e'");
    try {
      await world.repo(Product).softDelete(1);
      await world.database.query(`insert into product (id, name, shop_id) values (3, 'Bread', 1)`);
      await world.repo(Product).softDelete(3);
      await world.database.query(`
        insert into product (id, name, shop_id) values (4, 'Bread', 1);
        create unique index product_own on product ${columns}`);
      const conflict = { reason: 'unique', entity: 'Product', constraint: 'product_own' };
      const named = properties ? { properties } : {};
      expect(await conflictsOf(world.repo(Product).restore(1))).toEqual([
        { ...conflict, key: 1, conflictingKey: 4, conflictingWith: 'active', ...named },
      ]);
      await world.database.query('delete from product where id = 4');
      expect(await conflictsOf(world.repo(Product).restore([1, 3]))).toEqual([
        { ...conflict, key: 1, conflictingKey: 3, conflictingWith: 'restored', ...named },
      ]);
      expect((await world.repo(Product).restore(3)).total).toBe(1);
    } finally {
      await world.database.query('drop index product_own; alter table product drop column extra');
    }
  });

  it('refuses where the parent is archived, soft-deleted, or gone', async () => {
    await world.repo(Variant).softDelete(1);
    await world.repo(Product).softDelete(1);
    expect(await conflictsOf(world.repo(Variant).restore(1))).toEqual([
      { reason: 'parent-deleted', entity: 'Variant', key: 1, constraint: 'Product.variants', conflictingKey: 1 },
    ]);

    await world.repo(Shop).softDelete(1);
    expect(await conflictsOf(world.repo(Product).restore(1))).toEqual([
      { reason: 'parent-deleted', entity: 'Product', key: 1, constraint: 'Shop.products', conflictingKey: 1 },
    ]);

    await world.database.query('delete from shop');
    expect(await conflictsOf(world.repo(Product).restore(1))).toEqual([
      { reason: 'parent-missing', entity: 'Product', key: 1, constraint: 'Shop.products' },
    ]);
  });

  it('refuses a soft-deleted row whose parent is archived', async () => {
    await world.repo(Product).softDelete(1);
    expect(await conflictsOf(world.repo(Offer).restore(1))).toEqual([
      { reason: 'parent-deleted', entity: 'Offer', key: 1, constraint: 'Product.offers', conflictingKey: 1 },
    ]);
    expect((await world.repo(Offer).restore(1, { withParents: true })).affected).toEqual({ Product: 1, Offer: 1 });
    expect((await world.contents())['offer']).toEqual(['(1,,1)']);
    expect(await world.archived()).toEqual(['Remark 1', 'Variant 1', 'Variant 2']);
  });

  it('restores parents alone, whatever their strategy', async () => {
    await world.repo(Variant).softDelete(1);
    await world.repo(Product).softDelete(1);
    await world.repo(Shop).softDelete(1);

    expect((await world.repo(Variant).restore(1, { withParents: true })).affected).toEqual({
      Shop: 1,
      Product: 1,
      Variant: 1,
    });
    const contents = await world.contents();
    expect(contents['product']).toEqual(['(1,Bread,B-1,1)']);
    expect(contents['product_labels']).toEqual(['(1,1)']);
  });

  it('restores the last of several rows with one key', async () => {
    await world.repo(Product).softDelete(2);
    await world.database.query(`insert into product (id, name, shop_id) values (2, 'Cream', 1)`);
    await world.repo(Product).softDelete(2);
    await world.repo(Product).restore(2);

    expect((await world.contents())['product']).toEqual(['(1,Bread,B-1,1)', '(2,Cream,,1)']);
    expect(await world.archived()).toContain('Product 2');
  });

  it('tells what it would do without doing it', async () => {
    await world.repo(Shop).softDelete(1);
    const before = await world.contents();

    expect(await world.repo(Shop).restore(1, { dryRun: true })).toEqual({
      affected: { Shop: 1, Product: 2, Variant: 3, Remark: 1, Offer: 1 },
      total: 8,
      conflicts: [],
    });
    expect(await world.repo(Product).restore(1, { dryRun: true })).toMatchObject({
      total: 5,
      conflicts: [{ reason: 'parent-deleted', entity: 'Product', key: 1 }],
    });
    expect(await world.contents()).toEqual(before);
  });

  it('keeps memory in step with keys that are cleared and written again', async () => {
    const bookmark = await world.em.findOneOrFail(Bookmark, 1);
    const product = bookmark.product!;
    await world.repo(Product).softDelete(1);
    expect(bookmark.product).toBeNull();
    await world.em.flush();

    await world.repo(Product).restore(1);
    expect(bookmark.product).toMatchObject({ id: 1 });
    expect(bookmark.product).not.toBe(product);
    world.statements.length = 0;
    await world.em.flush();
    expect(world.statements).toEqual([]);
  });

  it('restores once where two ask for it at once', async () => {
    await world.repo(Product).softDelete(1);
    const results = await Promise.all(
      [world.fork(), world.fork()].map((em) =>
        world
          .repo(Product, em)
          .restore(1)
          .then(({ total }) => total),
      ),
    );
    expect(results.toSorted()).toEqual([0, 5]);
    expect((await world.contents())['product']).toHaveLength(2);
  });
});
