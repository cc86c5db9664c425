import { randomUUID } from 'node:crypto';
import { Cascade, Collection, type Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { defineEntity, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  PurgeService,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const DUE = "now() - interval '40 days'";
const KEPT = "now() - interval '20 days'";
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

const Tenant = softDeletable(
  defineEntity({
    name: 'Tenant',
    schema: 'crm',
    tableName: 'tenant',
    properties: { region: p.text().primary(), code: p.uuid().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
const Contract = softDeletable(
  defineEntity({
    name: 'Contract',
    schema: 'legal',
    tableName: 'contract',
    properties: {
      id: p.uuid().primary(),
      tenant: () => p.manyToOne(Tenant).deleteRule('cascade').updateRule('no action'),
      endedAt: p.datetime().columnType('timestamp(6)').fieldName('ended').nullable(),
    },
  }),
  { retention: '30d', property: 'endedAt' },
);

@SoftDeletable({ retention: '30d' })
@Entity({ inheritance: 'tpt', tableName: 'party' })
abstract class Party extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity({ tableName: 'company' })
class Company extends Party {
  @Property({ type: 'text' })
  title!: string;
}

@Entity({ tableName: 'person' })
class Person extends Party {
  @ManyToOne(() => Company, { ref: true, index: true, deleteRule: 'set null', nullable: true })
  employer?: Ref<Company>;
}

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'node' })
class TreeNode extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => TreeNode, { ref: true, index: true, nullable: true, deleteRule: 'cascade' })
  parent?: Ref<TreeNode>;
}

@Entity({ tableName: 'address' })
class Address {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'shop' })
class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Address, { ref: true, index: true, cascade: [Cascade.REMOVE] })
  address!: Ref<Address>;

  @OneToOne(() => Desk, { ref: true, nullable: true, deleteRule: 'restrict' })
  desk?: Ref<Desk>;

  @OneToMany(() => Shelf, (shelf) => shelf.shop, { cascade: [Cascade.REMOVE] })
  shelves = new Collection<Shelf>(this);
}

/** References back to the shop that references it: rows can form circles. */
@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'desk' })
class Desk extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Shop, { ref: true, index: true, nullable: true, deleteRule: 'restrict' })
  shop?: Ref<Shop>;
}

/** A plain part with parts of its own kind, which is referenced by a soft-deletable row. */
@Entity({ tableName: 'shelf' })
class Shelf {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Shop, { ref: true, index: true, nullable: true, deleteRule: 'restrict' })
  shop?: Ref<Shop>;

  @ManyToOne(() => Shelf, { ref: true, index: true, nullable: true, deleteRule: 'cascade' })
  above?: Ref<Shelf>;
}

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'product' })
class Product extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Shelf, { ref: true, index: true, nullable: true, deleteRule: 'set null' })
  shelf?: Ref<Shelf>;
}

describe(PurgeService.name, () => {
  let test: TestOrm;

  afterEach(async () => {
    await test.close();
  });

  const column = async (sql: string) => (await test.database.query(sql)).map((row) => Object.values(row)[0]);
  const counts = (entities: readonly { entity: string; purged: number; blocked: number }[]) =>
    Object.fromEntries(entities.map(({ entity, purged, blocked }) => [entity, [purged, blocked]]));
  /** The dry run and the run, which have to agree. */
  const purge = async () => {
    const service = createPurge(test.orm, { brake: false });
    const rehearsed = counts((await service.run({ dryRun: true })).entities);
    const report = await service.run();
    expect(counts(report.entities)).toEqual(rehearsed);
    expect(report.entities.every(({ failed, locked }) => failed === 0 && locked === 0)).toBe(true);
    return rehearsed;
  };

  it('works with composite keys, UUIDs, schemas, other column names and columns without time zone', async () => {
    test = await createTestOrm([Tenant, Contract], {}, false);
    const [gone, held, kept] = [randomUUID(), randomUUID(), randomUUID()];
    await test.database.query(`
      insert into crm.tenant values ('eu', '${gone}', ${DUE}), ('eu', '${held}', ${DUE}), ('us', '${kept}', ${KEPT});
      insert into legal.contract (id, tenant_region, tenant_code, ended) values
        ('${gone}', 'eu', '${gone}', ${DUE}), ('${held}', 'eu', '${held}', ${KEPT}), ('${kept}', 'eu', '${gone}', ${DUE});
    `);

    await expect(purge()).resolves.toEqual({ Contract: [2, 0], Tenant: [1, 1] });

    await expect(column('select code from crm.tenant order by region')).resolves.toEqual([held, kept]);
    await expect(column('select id from legal.contract')).resolves.toEqual([held]);
  });

  it('purges a table-per-type hierarchy as one entity, and what references a part of it blocks', async () => {
    test = await createTestOrm([Party, Company, Person], {}, false);
    await test.database.query(`
      insert into party (id, deleted_at) select n, case when n < 6 then ${DUE} end from generate_series(1, 6) as n;
      insert into company (id, title) select n, '' from generate_series(1, 3) as n;
      insert into person (id, employer_id) values (4, 1), (5, 2), (6, 2);
    `);

    await expect(purge()).resolves.toEqual({ Party: [4, 1] });

    await expect(column('select id from party order by id')).resolves.toEqual([2, 6]);
    await expect(column('select employer_id from person')).resolves.toEqual([2]);
  });

  it('purges trees, chains and circles of an entity that references itself', async () => {
    test = await createTestOrm([TreeNode], {}, false);
    await test.database.query(`
      insert into node (id, parent_id, deleted_at) select n, nullif(n - 1, 0), ${DUE} from generate_series(1, 3000) as n;
      insert into node (id, parent_id, deleted_at) values (7001, null, ${DUE}), (7002, 7001, ${DUE}), (7003, 7002, ${DUE}), (7004, 7003, null);
      update node set parent_id = 7003 where id = 7001;
      insert into node (id, parent_id, deleted_at) values (8001, 8001, ${DUE}), (8002, null, ${DUE}), (8003, 8002, ${DUE}), (8004, 8003, ${DUE});
      update node set parent_id = 8004 where id = 8002;
    `);

    await expect(purge()).resolves.toEqual({ TreeNode: [3004, 3] });

    await expect(column('select id from node order by id')).resolves.toEqual([7001, 7002, 7003, 7004]);
  });

  it('removes parts explicitly where the database refuses to, and companions that nothing else needs', async () => {
    test = await createTestOrm([Address, Shop, Desk, Shelf, Product], {}, false);
    await test.database.query(`
      insert into address select n from generate_series(1, 4) as n;
      insert into shop (id, address_id, deleted_at) values (1, 1, ${DUE}), (2, 2, ${DUE}), (3, 2, null), (4, 3, ${DUE}), (5, 4, ${DUE});
      insert into shelf (id, shop_id, above_id) values (1, 1, null), (2, null, 1), (3, null, 2), (4, 4, null), (5, null, 4), (6, null, 5);
      insert into product (id, shelf_id, deleted_at) values (1, 3, ${DUE}), (2, 6, ${KEPT});
      insert into desk (id, shop_id, deleted_at) values (1, 5, ${DUE});
      update shop set desk_id = 1 where id = 5;
    `);

    await expect(purge()).resolves.toEqual({ Product: [1, 0], Desk: [1, 0], Shop: [3, 1] });

    await expect(column('select id from shop order by id')).resolves.toEqual([3, 4]);
    await expect(column('select id from address order by id')).resolves.toEqual([2, 3]);
    await expect(column('select id from shelf order by id')).resolves.toEqual([4, 5, 6]);
    await expect(column('select shelf_id from product')).resolves.toEqual([6]);
  });

  it('knows foreign keys of tables that the ORM does not map', async () => {
    test = await createTestOrm([TreeNode], {}, false);
    await test.database.query(`
      create table bookmark (id int primary key, node int references node);
      create table "Odd ""table""" (id int primary key, "the node" int references node on delete set null);
      insert into node (id, deleted_at) values (1, ${DUE}), (2, ${DUE});
      insert into bookmark values (1, 1);
      insert into "Odd ""table""" values (1, 2);
    `);

    const plan = await createPurge(test.orm).plan();

    expect(plan.entities[0]!.advice).toEqual([
      expect.stringContaining('create index concurrently on public."Odd ""table""" ("the node")'),
      expect.stringContaining('create index concurrently on public.bookmark ("node")'),
    ]);
    await expect(purge()).resolves.toEqual({ TreeNode: [1, 1] });
    await expect(column('select "the node" from "Odd ""table"""')).resolves.toEqual([null]);
  });
});
