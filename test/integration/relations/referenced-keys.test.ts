import { Collection, type Rel } from '@mikro-orm/core';
import { Embeddable, Embedded, Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Its id and its code are never the same number. The ORM reads keys to other properties than the primary key as text. */
@SoftDeletable<Shop>({ relations: { leases: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', unique: true })
  code!: string;

  @OneToMany({ entity: () => Sale, mappedBy: 'shop', orphanRemoval: true })
  sales = new Collection<Sale>(this);

  @OneToMany({ entity: () => Lease, mappedBy: 'shop' })
  leases = new Collection<Lease>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Sale extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Shop, targetKey: 'code' })
  shop!: Rel<Shop>;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Lease extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Shop, targetKey: 'code' })
  shop!: Rel<Shop>;
}

@Embeddable()
class Place {
  @ManyToOne({ entity: () => Town, deleteRule: 'cascade' })
  town!: Rel<Town>;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Town extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class House extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Embedded({ entity: () => Place })
  place!: Place;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany({ entity: () => Line, mappedBy: 'order', orphanRemoval: true })
  lines = new Collection<Line>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Product extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Line extends SoftDeletableEntity {
  @ManyToOne({ entity: () => Order, primary: true })
  order!: Rel<Order>;

  @ManyToOne({ entity: () => Product, primary: true })
  product!: Rel<Product>;

  @Property({ type: 'number', default: 1 })
  amount!: number;
}

describe('keys that are not a plain primary key', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Shop, Sale, Lease, Town, Place, House, Order, Product, Line]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(
      'truncate shop, sale, lease, town, house, "order", product, line restart identity cascade',
    );
    await test.database.query(`
      insert into shop (code) values (2), (1);
      insert into sale (shop_id) values (2), (2), (1);
      insert into town default values; insert into town default values;
      insert into house (place_town_id) values (1), (2);
      insert into "order" default values; insert into product default values; insert into product default values;
      insert into line (order_id, product_id) values (1, 1), (1, 2)`);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });

  const repo = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const deleted = async (table: string) =>
    (await test.database.query(`select id from ${table} where deleted_at is not null order by id`)).map(({ id }) => id);
  const remove = async (door: string, entity: new () => object, id: number) => {
    if (door === 'repository') {
      return repo(entity).softDelete(id as never);
    }
    em.remove(await em.findOneOrFail(entity, id as never));
    return em.flush();
  };

  for (const door of ['repository', 'flush']) {
    it(`follows relations that refer to another unique property (${door})`, async () => {
      await remove(door, Shop, 1);
      expect(await deleted('sale')).toEqual([1, 2]);
      em = test.orm.em.fork() as EntityManager;
      await repo(Shop).restore(1);
      expect(await deleted('sale')).toEqual([]);
      await test.database.query('insert into lease (shop_id) values (2)');
      await expect(remove(door, Shop, 1)).rejects.toThrow(DeletionRestrictedError);
      em = test.orm.em.fork() as EntityManager;
      await remove(door, Shop, 2);
      expect(await deleted('sale')).toEqual([3]);
    });

    it(`follows a key inside an embeddable (${door})`, async () => {
      await remove(door, Town, 1);
      expect(await deleted('house')).toEqual([1]);
      em = test.orm.em.fork() as EntityManager;
      await repo(Town).restore(1);
      expect(await deleted('house')).toEqual([]);
      await expect(repo(Town).hardDelete(1)).resolves.toBe(2);
    });
  }

  it('reads nothing into memory by such a relation, since the ORM would insert what it refers to once more', async () => {
    await repo(Sale).softDelete({});
    const shops: Shop[] = await em.find(Shop, {}, { populate: ['sales'], orderBy: { id: 1 } });

    await repo(Sale).restore({});
    test.statements.length = 0;
    await em.flush();

    expect(test.statements).toEqual([]);
    expect(shops.map(({ sales }) => sales.getItems())).toEqual([[], []]);
    expect(await deleted('sale')).toEqual([]);
  });

  it('removes physically by such a relation', async () => {
    expect(await repo(Shop).hardDelete(1)).toBe(3);
    expect((await test.database.query('select id from sale')).map(({ id }) => id)).toEqual([3]);
    await test.database.query('insert into lease (shop_id) values (1)');
    await expect(repo(Shop).hardDelete(2)).rejects.toThrow(DeletionRestrictedError);
  });

  it('replaces an unloaded collection by such a relation', async () => {
    const shop = await em.findOneOrFail(Shop, 1);
    shop.sales.removeAll();
    await em.flush();
    expect(await deleted('sale')).toEqual([1, 2]);
  });

  it('leaves a key of two foreign keys alone once an orphan is deleted', async () => {
    const order = await em.findOneOrFail(Order, 1, { populate: ['lines'] });
    order.lines.remove(order.lines.getItems()[0]!);
    await em.flush();
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    expect(
      await test.database.query('select order_id, product_id, deleted_at is not null as gone from line order by 2'),
    ).toEqual([
      { order_id: 1, product_id: 1, gone: true },
      { order_id: 1, product_id: 2, gone: false },
    ]);
    order.lines.removeAll();
    await em.flush();
    await em.flush();
    await repo(Line).restore({ order: 1 });
    await em.flush();
    expect(await test.database.query('select product_id from line where deleted_at is null order by 1')).toHaveLength(
      2,
    );
  });
});
