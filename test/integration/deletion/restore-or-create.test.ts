import { Collection, type Rel, TransactionContext, Type } from '@mikro-orm/core';
import { Embeddable, Embedded, Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

class PrefixedType extends Type<string, string> {
  override convertToDatabaseValue(value: string) {
    return value?.replace(/^code_/, '') ?? value;
  }

  override convertToJSValue(value: string) {
    return value == null ? value : `code_${value}`;
  }

  override getColumnType() {
    return 'text';
  }
}

@Embeddable()
class Place {
  @Property({ type: 'string', nullable: true })
  city?: string;

  @Property({ type: 'string', nullable: true })
  street?: string;
}

@SoftDeletable()
@Entity()
class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Shelf, (shelf) => shelf.shop)
  shelves = new Collection<Shelf>(this);
}

/** No unique index: nothing but the turns that callers take keeps two of them from making two rows. */
@SoftDeletable()
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  label?: string;

  @Property({ type: 'integer', nullable: true })
  level?: number;

  @Property({ type: 'bigint', nullable: true })
  serial?: bigint;

  @Property({ type: 'datetime', nullable: true })
  since?: Date;

  @Property({ type: 'blob', nullable: true })
  digest?: Buffer;

  @Property({ type: PrefixedType, nullable: true })
  code?: string;

  @Embedded(() => Place, { nullable: true })
  place?: Place;

  @ManyToOne(() => Shop, { nullable: true })
  shop?: Rel<Shop>;
}

/** Stands for the entity, which is there once the ORM is. */
const shopKey = Symbol('shop');

describe('restoreOrCreate', () => {
  let test: TestOrm;
  const pools: MikroORM[] = [];

  beforeAll(async () => {
    test = await createTestOrm([Shop, Shelf]);
    await test.database.query("insert into shop (name) values ('one'), ('two')");
  });

  beforeEach(() => test.database.query('delete from shelf'));

  afterAll(async () => {
    await Promise.all(pools.map((orm) => orm.close(true)));
    await test.close();
  });

  const shelves = (em = test.orm.em.fork() as EntityManager) => new SoftDeleteRepository<Shelf>(em, Shelf);
  const rows = (columns = '*') => test.database.query(`select ${columns} from shelf order by id`);

  async function pool(max: number): Promise<MikroORM> {
    const orm = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [Shop, Shelf],
      pool: { min: 0, max },
      driverOptions: { connectionTimeoutMillis: 5_000 },
    });
    pools.push(orm);
    installSoftDelete(orm);
    return orm;
  }

  const shop = () => test.orm.em.fork().getReference(Shop, 1);

  it.each<[string, object, object]>([
    ['keys in another order', { label: 'a', level: 1 }, { level: 1, label: 'a' }],
    ['an operator', { label: 'a' }, { label: { $eq: 'a' } }],
    ['a conjunction', { label: 'a', level: 1 }, { $and: [{ level: 1 }, { label: { $eq: 'a' } }] }],
    ['a nested conjunction', { label: 'a', level: 1 }, { label: 'a', $and: [{ $and: [{ level: 1 }] }] }],
    ['big numbers', { serial: 5n }, { serial: '5' }],
    ['equal dates', { since: new Date(5) }, { since: new Date(5) }],
    ['equal bytes', { digest: Buffer.from('a') }, { digest: Buffer.from('a') }],
    ['a custom type', { code: 'code_x' }, { code: { $eq: 'code_x' } }],
    ['embedded keys in another order', { place: { city: 'a', street: 'b' } }, { place: { street: 'b', city: 'a' } }],
    ['an entity and its key', { shop: shopKey }, { shop: 1 }],
    ['a key as an object', { shop: { id: 1 } }, { shop: 1 }],
    ['a list of one', { label: 'a' }, { label: { $in: ['a'] } }],
    ['a comparison', { level: 1 }, { level: { $gt: 0 } }],
    ['a disjunction', { label: 'a' }, { $or: [{ label: 'a' }, { label: 'b' }] }],
  ])('gives callers that race one row: %s', async (_what, one, other) => {
    const resolve = (where: object) =>
      'shop' in where && where.shop === shopKey ? { shop: shop() } : (where as Record<string, unknown>);
    const data = { label: 'a', level: 1 };
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => shelves().restoreOrCreate(resolve(i % 2 ? one : other) as never, data)),
    );
    expect(new Set(results.map(({ entity }) => entity.id)).size).toBe(1);
    expect(await rows()).toHaveLength(1);
  });

  it('makes one row from two ORMs over one database', async () => {
    const other = await pool(2);
    const managers = [test.orm.em.fork(), other.em.fork(), test.orm.em.fork(), other.em.fork()] as EntityManager[];
    await Promise.all(managers.map((em) => shelves(em).restoreOrCreate({ label: 'a', level: 1 }, {})));
    expect(await rows()).toHaveLength(1);
  });

  it('does not have callers wait who look for different rows', async () => {
    await test.orm.em.fork().transactional(async (tx) => {
      await shelves(tx as EntityManager).restoreOrCreate({ label: 'a' }, {});
      await shelves().restoreOrCreate({ label: 'b' }, {});
    });
    expect(await rows('label')).toEqual([{ label: 'a' }, { label: 'b' }]);
  });

  it('creates what the condition says with what is given, which wins', async () => {
    const em = test.orm.em.fork() as EntityManager;
    const { entity } = await shelves(em).restoreOrCreate(
      {
        label: 'a',
        $and: [{ level: { $eq: 1 } }, { serial: 7n }],
        place: { city: 'Ulm', street: 'x' },
        shop: { id: 2 },
        code: 'code_x',
        digest: { $ne: Buffer.from('z') },
        deletedAt: null,
      } as never,
      { label: 'b', place: { street: 'y' } } as never,
    );
    expect(em.getUnitOfWork().getById(Shelf, entity.id as never)).toBe(entity);
    expect(await rows('label, level, serial, place_city, place_street, shop_id, code, digest, deleted_at')).toEqual([
      {
        label: 'b',
        level: 1,
        serial: '7',
        place_city: 'Ulm',
        place_street: 'y',
        shop_id: 2,
        code: 'x',
        digest: null,
        deleted_at: null,
      },
    ]);
  });

  it.each<[string, object]>([
    ['a comparison', { level: { $gt: 1 } }],
    ['a list', { label: { $in: ['a', 'b'] } }],
    ['a disjunction', { $or: [{ label: 'a' }, { level: 1 }] }],
    ['a condition on the row behind a relation', { shop: { name: 'none' } }],
  ])('takes no value from %s', async (_what, where) => {
    await shelves().restoreOrCreate(where, { code: 'code_x' });
    expect(await rows('label, level, shop_id, code')).toEqual([{ label: null, level: null, shop_id: null, code: 'x' }]);
  });

  it('restores the row deleted last before it makes one', async () => {
    await test.database.query(
      "insert into shelf (label, level, deleted_at) values ('a', 1, '2020-01-01'), ('a', 2, '2021-01-01')",
    );
    expect(await shelves().restoreOrCreate({ label: 'a' }, {})).toMatchObject({ restored: true, entity: { level: 2 } });
    expect(await rows('level, deleted_at is null as active')).toEqual([
      { level: 1, active: false },
      { level: 2, active: true },
    ]);
  });

  it('refuses a condition with a value that was never set', async () => {
    await expect(shelves().restoreOrCreate({ label: undefined as never }, {})).rejects.toThrow(SoftDeleteConfigError);
    expect(await rows()).toEqual([]);
  });

  it('needs one connection, in a transaction and outside of any', async () => {
    const orm = await pool(1);
    const em = orm.em.fork() as EntityManager;
    await shelves(em).restoreOrCreate({ label: 'a' }, {});
    await em.transactional(async (tx) => {
      expect(TransactionContext.getEntityManager()).toBe(tx);
      await shelves(tx as EntityManager).restoreOrCreate({ label: 'b' }, {});
      // Bound to the entity manager outside, whose own reads would need a connection of their own.
      await shelves(em).restoreOrCreate({ label: 'c' }, {});
      await shelves(em).restoreOrCreate({ label: 'b' }, {});
    });
    expect(await rows('label')).toEqual([{ label: 'a' }, { label: 'b' }, { label: 'c' }]);
    await em
      .transactional(async () => {
        await shelves(em).restoreOrCreate({ label: 'd' }, {});
        throw new RangeError('rolled back');
      })
      .catch(() => undefined);
    expect(await rows()).toHaveLength(3);
  });

  it('lets as many callers through as the pool has connections', async () => {
    const orm = await pool(10);
    const callers = Array.from({ length: 20 }, (_, i) =>
      shelves(orm.em.fork() as EntityManager).restoreOrCreate({ label: `shelf ${i % 2}` }, {}),
    );
    await Promise.all(callers);
    expect(await rows('label')).toHaveLength(2);
  });
});
