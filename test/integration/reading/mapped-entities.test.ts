import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { hasAllOperator } from '../../support/orm-features.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** A composite key, a schema and a column of its own. */
@SoftDeletable({ property: 'goneAt' })
@Entity({ schema: 'stock', repository: () => SoftDeleteRepository })
class Product {
  @PrimaryKey({ type: 'number' })
  shop!: number;

  @PrimaryKey({ type: 'number' })
  code!: number;

  @Property({ type: 'timestamptz', nullable: true, fieldName: 'gone' })
  goneAt?: Date | null;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne(() => Supplier)
  supplier!: Rel<Supplier>;

  @ManyToMany({ entity: () => Category, pivotEntity: () => Listing })
  categories = new Collection<Category>(this);
}

@SoftDeletable()
@Entity({ schema: 'stock', repository: () => SoftDeleteRepository })
class Supplier extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Product, (product) => product.supplier)
  products = new Collection<Product>(this);

  /** Declared as always there, which a deleted one is not. */
  @OneToOne(() => Contract, (contract) => contract.supplier, { nullable: false })
  contract!: Rel<Contract>;
}

@SoftDeletable()
@Entity({ schema: 'stock' })
class Contract extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Supplier, (supplier) => supplier.contract, { owner: true, unique: false })
  supplier!: Rel<Supplier>;
}

@SoftDeletable()
@Entity({ schema: 'stock', repository: () => SoftDeleteRepository })
class Category extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany(() => Product, (product) => product.categories)
  products = new Collection<Product>(this);
}

@Entity({ schema: 'stock' })
class Listing {
  @ManyToOne(() => Product, { primary: true })
  product!: Rel<Product>;

  @ManyToOne(() => Category, { primary: true })
  category!: Rel<Category>;

  @Property({ type: 'number', default: 0 })
  rank!: number;
}

/** A table-per-type hierarchy: the time of deletion is in the root's table, the key of the relation in the leaf's. */
@SoftDeletable()
@Entity({ inheritance: 'tpt', repository: () => SoftDeleteRepository })
abstract class Asset extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  label!: string;
}

@Entity()
class Van extends Asset {
  @ManyToOne(() => Depot, { nullable: true })
  depot?: Rel<Depot> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Depot extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Van, (van) => van.depot)
  vans = new Collection<Van>(this);
}

/** A single-table hierarchy. */
@SoftDeletable()
@Entity({ discriminatorColumn: 'kind', abstract: true, discriminatorMap: { memo: 'Memo', minute: 'Minute' } })
abstract class Paper extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @ManyToOne(() => Depot, { nullable: true })
  depot?: Rel<Depot> | null;
}

@Entity({ discriminatorValue: 'memo' })
class Memo extends Paper {}

@Entity({ discriminatorValue: 'minute' })
class Minute extends Paper {}

const ENTITIES = [Product, Supplier, Contract, Category, Listing, Asset, Van, Depot, Paper, Memo, Minute];

describe('reading mapped entities', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(ENTITIES);
    await test.database.query(`
      insert into stock.supplier (id, deleted_at) values (1, null), (2, now());
      insert into stock.contract (supplier_id, deleted_at) values (1, now());
      insert into stock.product (shop, code, gone, name, supplier_id) values
        (1, 1, null, 'a', 1), (1, 2, now(), 'b', 1), (2, 1, null, 'c', 2);
      insert into stock.category (id, name, deleted_at) values (1, 'x', null), (2, 'y', now());
      insert into stock.listing (product_shop, product_code, category_id) values (1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 2);
      insert into depot (id) values (1), (2);
      insert into asset (id, label, deleted_at) values (1, 'one', null), (2, 'two', now());
      insert into van (id, depot_id) values (1, 1), (2, 1);
      insert into paper (kind, depot_id, deleted_at) values ('memo', 1, null), ('memo', 1, now()), ('minute', 1, null), ('minute', 1, now());
    `);
  });
  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const repository = <Entity extends object>(entity: abstract new () => Entity) =>
    em.getRepository(entity as never) as unknown as SoftDeleteRepository<Entity>;
  const names = (products: Iterable<Product>) => [...products].map(({ name }) => name).toSorted();
  const ids = (items: Iterable<{ id: number }>) => [...items].map(({ id }) => id).toSorted((a, b) => a - b);

  describe('composite keys in a schema of their own', () => {
    it('reads by keys of every form, under each scope', async () => {
      const products = repository(Product);
      expect((await products.findOne([1, 1] as never))?.name).toBe('a');
      expect(await products.findOne([1, 2] as never)).toBeNull();
      expect((await products.withDeleted().findOne([1, 2] as never))?.name).toBe('b');
      expect((await products.onlyDeleted().findOne({ shop: 1, code: 2 }))?.name).toBe('b');
      expect(await products.onlyDeleted().findOne([1, 1] as never)).toBeNull();
      expect(
        names(
          await products.onlyDeleted().find([
            [1, 1],
            [1, 2],
          ] as never),
        ),
      ).toEqual(['b']);
      const [gone] = await products.onlyDeleted().findAll();
      expect(names(await products.onlyDeleted().find(gone as never))).toEqual(['b']);
      expect(await products.findOne(gone as never)).toBeNull();
    });

    it.each(['joined', 'select-in'] as const)('populates members, %s', async (strategy) => {
      const supplier = await em.findOneOrFail(Supplier, 1, { populate: ['products.categories'], strategy });
      expect(names(supplier.products)).toEqual(['a']);
      expect(ids(supplier.products[0]!.categories)).toEqual([1]);
      const category = await em.fork().findOneOrFail(Category, 1, { populate: ['products'], strategy });
      expect(names(category.products)).toEqual(['a']);
      const all = await repository(Supplier)
        .withDeleted()
        .findOneOrFail(1, { populate: ['products.categories'], strategy });
      expect(names(all.products)).toEqual(['a', 'b']);
    });

    it.each([
      [Supplier, { products: { name: 'b' } }, 0],
      [Supplier, { products: { $some: { categories: { $some: { name: 'y' } } } } }, 0],
      [Supplier, { products: { $every: { name: 'a' } } }, 1],
      [Product, { categories: { name: 'y' } }, 0],
      [Product, { categories: 2 }, 0],
      [Product, { categories: { $none: {} } }, 1],
      [Product, { supplier: { products: { name: 'b' } } }, 0],
      [Product, { supplier: 2 }, 1],
      [Category, { products: { name: { $in: ['b', 'a'] } } }, 1],
      ...(hasAllOperator ? [[Category, { products: { $all: [[1, 2]] as never } }, 0] as const] : []),
    ] as const)('counts %p by %j', async (entity, where, expected) => {
      expect(await em.find(entity as typeof Product, structuredClone(where) as never)).toHaveLength(expected);
      expect(await em.count(entity as typeof Product, structuredClone(where) as never)).toBe(expected);
      const rows = repository(entity as typeof Product);
      expect(
        await rows
          .qb('r')
          .where(structuredClone(where) as never)
          .getCount(),
      ).toBe(expected);
    });

    it('leaves $size to the ORM, which counts no composite keys', async () => {
      await expect(em.find(Supplier, { products: { $size: 1 } })).rejects.toThrow(
        'function count(integer, integer) does not exist',
      );
    });

    it('keeps a row whose other side is deleted, whatever is declared about it', async () => {
      const [supplier] = await em.find(Supplier, {}, { populate: ['contract'] });
      expect(supplier!.contract).toBeNull();
      expect(await em.count(Supplier, {})).toBe(1);
      expect(ids(await repository(Supplier).qb('s').getResultList())).toEqual([1]);
    });

    it('resolves the references of a pivot entity', async () => {
      const listings = await em.find(
        Listing,
        {},
        { populate: ['product', 'category'], orderBy: { product: { name: 1 } } },
      );
      expect(listings).toHaveLength(4);
      expect(new Set(listings.map(({ product }) => product.name))).toEqual(new Set(['a', 'b', 'c']));
      expect(new Set(listings.map(({ category }) => category.name))).toEqual(new Set(['x', 'y']));
    });
  });

  describe('a table-per-type hierarchy', () => {
    it('reads the root and the leaf under each scope', async () => {
      expect(ids(await em.find(Van, {}))).toEqual([1]);
      expect(await em.count(Van, {})).toBe(1);
      expect(await em.findOne(Van, 2)).toBeNull();
      expect(ids(await em.find(Asset as never, {}))).toEqual([1]);
      expect(ids(await repository(Asset).onlyDeleted().find({}))).toEqual([2]);
      expect(ids(await repository(Asset).withDeleted().find({}))).toEqual([1, 2]);
    });

    it.each(['joined', 'select-in'] as const)('populates members, %s', async (strategy) => {
      const depot = await em.findOneOrFail(Depot, 1, { populate: ['vans'], strategy });
      expect(ids(depot.vans)).toEqual([1]);
      await repository(Depot).withDeleted().populate([depot], ['vans']);
      expect(ids(depot.vans)).toEqual([1, 2]);
    });

    it.each([
      [{ vans: { label: 'two' } }, 0],
      [{ vans: 2 }, 0],
      [{ vans: { $some: { label: 'two' } } }, 0],
      [{ vans: { $size: 1 } }, 1],
      [{ vans: { $every: { label: 'one' } } }, 2],
      [{ vans: { $none: {} } }, 1],
    ])('counts by %j', async (where, expected) => {
      expect(await em.find(Depot, structuredClone(where))).toHaveLength(expected);
      expect(await em.count(Depot, structuredClone(where))).toBe(expected);
      expect(
        await repository(Depot)
          .qb('d')
          .where(structuredClone(where) as never)
          .getCount(),
      ).toBe(expected);
    });
  });

  it('reads the classes of a single-table hierarchy under each scope', async () => {
    expect(ids(await em.find(Paper as never, {}))).toEqual([1, 3]);
    expect(ids(await em.find(Memo, {}))).toEqual([1]);
    expect(await em.count(Minute, {})).toBe(1);
    expect(ids(await em.find(Minute, {}, { filters: { softDelete: false } }))).toEqual([3, 4]);
  });

  it('lets a stream be broken off', async () => {
    for (let i = 0; i < 30; i++) {
      for await (const product of repository(Product).withDeleted().stream()) {
        expect(product.name).toBeTruthy();
        break;
      }
    }
    expect(await em.count(Product, {})).toBe(2);
  });
});
