import { ArchivedScopeError, runInScope, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Reading archived rows', () => {
  const world = useShop();

  beforeEach(() => world.plant());

  it('finds them by condition and key, the last deleted first', async () => {
    await world.repo(Product).softDelete(1);
    await world.repo(Product).softDelete(2);
    const deleted = world.repo(Product).onlyDeleted();

    expect((await deleted.find({})).map(({ name }) => name)).toEqual(['Milk', 'Bread']);
    expect(await deleted.count()).toBe(2);
    expect(await deleted.count({ name: { $like: 'B%' } })).toBe(1);
    expect((await deleted.findAll({ orderBy: { name: 'asc' }, limit: 1, offset: 1 })).map(({ id }) => id)).toEqual([2]);
    expect(await deleted.findOne(7 as never)).toBeNull();
    expect((await deleted.findOneOrFail({ shop: 1, sku: 'B-1' })).id).toBe(1);
  });

  it.each<[unknown, number[]]>([
    [{ name: 'asc' }, [1, 2]],
    [{ name: 'DESC' }, [2, 1]],
    [{ name: 1 }, [1, 2]],
    [{ name: -1 }, [2, 1]],
    [{ sku: 'asc nulls last' }, [1, 2]],
    [{ sku: 'asc nulls first' }, [2, 1]],
    [{ sku: 'desc nulls last' }, [1, 2]],
    [{ shop: 'asc', id: 'desc' }, [2, 1]],
    [
      [{ shop: 'asc' }, { id: 'asc' }],
      [1, 2],
    ],
  ])('orders archived rows by %j', async (orderBy, ids) => {
    await world.database.query("update product set sku = case id when 1 then 'B-1' end");
    await world.repo(Product).softDelete({});
    const found = await world
      .repo(Product)
      .onlyDeleted()
      .find({}, { orderBy: orderBy as never });
    expect(found.map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    { name: 2 },
    { name: 'up' },
    { name: 'asc nulls' },
    { nme: 'asc' },
    { variants: 'asc' },
    { shop: { name: 'asc' } },
  ])('refuses to order them by %j', async (orderBy) => {
    await expect(
      world
        .repo(Product)
        .onlyDeleted()
        .find({}, { orderBy: orderBy as never }),
    ).rejects.toThrow(/^onlyDeleted\(\), orderBy: archived rows of Product cannot be ordered by \w+: /);
  });

  it.each<[unknown, number[], boolean]>([
    [1, [1], true],
    [[1, 2], [1, 2], true],
    [{ id: 1 }, [1], true],
    [{ id: { $in: [2, 3] } }, [2, 3], true],
    [{ id: [1, 3] }, [1, 3], false],
    [{ $or: [{ id: 1 }, { id: 3 }] }, [1, 3], true],
    [{ $or: [{ id: 1 }, { name: 'Eggs' }] }, [1, 3], false],
    [{ id: { $gt: 1 } }, [2, 3], false],
    [{ id: 1, name: 'Milk' }, [], false],
    [{ id: { $in: [1, 2] }, name: 'Milk' }, [2], false],
    [{ id: null }, [], false],
    [{ name: 'Eggs' }, [3], false],
    [{}, [1, 2, 3], false],
  ])(
    'finds by %j the rows that it names, by the keys of the archive where it names nothing else',
    async (where, ids, byKey) => {
      await world.database.query(`insert into product (id, name, shop_id) values (3, 'Eggs', 1)`);
      await world.repo(Product).softDelete({});
      const found = (em = world.fork()) => world.repo(Product, em).onlyDeleted();
      world.statements.length = 0;
      expect((await found().find(where as never, { orderBy: { id: 'asc' } })).map(({ id }) => id)).toEqual(ids);
      const read = world.statements.filter((sql) => sql.includes('"deletion_archive"'));
      expect(read.length).toBeGreaterThan(0);
      expect(read.some((sql) => sql.includes('a."key" in ('))).toBe(byKey);
      expect(await found().count(where as never)).toBe(ids.length);
    },
  );

  it('gives instances of their class that no entity manager knows, and saves none of them', async () => {
    await world.repo(Product).softDelete(1);
    const product = await world
      .repo(Product)
      .onlyDeleted()
      .findOneOrFail(1 as never);

    expect(product).toBeInstanceOf(Product);
    expect(product).toMatchObject({ id: 1, name: 'Bread', sku: 'B-1' });
    expect(product.shop.id).toBe(1);
    expect(world.repo(Product).isDeleted(product)).toBe(true);
    expect(world.em.getUnitOfWork().getById(Product, 1 as never)).toBeUndefined();
    product.name = 'changed';
    await world.em.flush();
    await world.em.persist(product).flush();
    expect((await world.contents())['product']).toEqual(['(2,Milk,M-1,1)']);

    await world.repo(Product).restore(product);
    expect((await world.contents())['product']).toContain('(1,Bread,B-1,1)');
  });

  it('reads active rows alone through everything else', async () => {
    await world.repo(Product).softDelete(1);

    expect(await world.repo(Product).count()).toBe(1);
    expect(await runInScope(world.em, 'with', () => world.fork().count(Product))).toBe(1);
    expect(await runInScope(world.em, 'only', () => world.fork().count(Shop))).toBe(0);
    const shop = await world
      .repo(Shop)
      .withDeleted()
      .findOneOrFail({ id: 1 }, { populate: ['products'] });
    expect(shop.products.getItems().map(({ id }) => id)).toEqual([2]);
    expect(() => world.repo(Product).withDeleted()).toThrow(ArchivedScopeError);
    expect(() => world.repo(Product).onlyDeleted().createQueryBuilder()).toThrow(ArchivedScopeError);
    await expect(
      world
        .repo(Product)
        .onlyDeleted()
        .find({}, { populate: ['variants'] }),
    ).rejects.toThrow(SoftDeleteConfigError);
    await expect(
      world
        .repo(Product)
        .onlyDeleted()
        .find({ shop: { name: 'Corner' } }),
    ).rejects.toThrow('other tables');
  });

  it('writes and restores through the rest of the repository', async () => {
    await world.repo(Product).upsert({ id: 2, name: 'Cream', shop: 1 } as never);
    await world.repo(Product).softDelete(2);
    const { entity, restored } = await world.repo(Product).restoreOrCreate({ name: 'Cream' }, { shop: 1 } as never);
    expect([restored, entity.id]).toEqual([true, 2]);
    expect(await world.repo(Variant).count({ product: 2 })).toBe(1);
    const made = await world.repo(Product).restoreOrCreate({ name: 'Rolls' }, { shop: 1 } as never);
    expect(made.restored).toBe(false);
    expect(world.repo(Product).isDeleted(made.entity)).toBe(false);
  });

  it('keeps within the filters of the application', async () => {
    await world.repo(Product).softDelete({});
    const em = world.fork();
    em.addFilter({ name: 'named', cond: { name: 'Milk' }, entity: [Product], default: true });

    expect((await world.repo(Product, em).onlyDeleted().find({})).map(({ id }) => id)).toEqual([2]);
    expect((await world.repo(Product, em).restore({})).affected['Product']).toBe(1);
    expect((await world.contents())['product']).toEqual(['(2,Milk,M-1,1)']);
  });
});
