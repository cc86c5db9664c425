import { defineEntity, type EntityName, p } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import {
  installSoftDelete,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const Customer = defineEntity({
  name: 'Customer',
  properties: {
    id: p.integer().primary(),
    name: p.text(),
    kind: p.string().default('customer'),
    deletedAt: p.datetime().nullable(),
  },
  discriminatorColumn: 'kind',
  discriminatorValue: 'customer',
});
softDeletable(Customer);

const Tag = defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), name: p.text() } });

/** Marked itself. */
const Coupon = defineEntity({
  name: 'Coupon',
  properties: { id: p.integer().primary(), deletedAt: p.datetime().nullable() },
});
softDeletable(Coupon);

@SoftDeletable()
@Entity()
class Voucher extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

const Staff = defineEntity({
  name: 'Staff',
  extends: Customer,
  properties: { room: p.text().nullable() },
  discriminatorValue: 'staff',
});

/** Not marked, with relations to what is. */
const Visit = defineEntity({
  name: 'Visit',
  properties: { id: p.integer().primary(), customer: () => p.manyToOne(Customer) },
});
const Party = defineEntity({
  name: 'Party',
  properties: { id: p.integer().primary(), guests: () => p.manyToMany(Customer) },
});
const Comment = defineEntity({
  name: 'Comment',
  properties: { id: p.integer().primary(), about: () => p.manyToOne([Tag, Customer]) },
});
const Letter = defineEntity({
  name: 'Letter',
  properties: { id: p.integer().primary(), visit: () => p.manyToOne(Visit) },
});

@Entity()
class Setting {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  value!: string;
}

const ways: [name: string, start: (options: Options) => Promise<MikroORM>][] = [
  ['softDelete()', async (options) => MikroORM.init({ ...options, extensions: [softDelete()] })],
  ['softDelete(), without init()', async (options) => new MikroORM({ ...options, extensions: [softDelete()] })],
  [
    'installSoftDelete()',
    async (options) => {
      const orm = await MikroORM.init(options);
      installSoftDelete(orm);
      return orm;
    },
  ],
];

describe.each(ways)('discoverEntity() of an ORM with %s', (_name, start) => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query(`
      create table customer (id serial primary key, name text not null, kind text not null default 'customer', room text, deleted_at timestamptz);
      create table tag (id serial primary key, name text not null);
      create table coupon (id serial primary key, deleted_at timestamptz);
      create table setting (id serial primary key, value text not null);
      insert into customer (name) values ('Ada'), ('Bob');
      insert into coupon default values;
      insert into setting (value) values ('on');`);
  });
  beforeEach(async () => {
    orm = await start({ clientUrl: database.url, entities: [Customer, Tag] });
  });
  afterEach(() => orm.close(true));
  afterAll(() => database.drop());

  const refusal = (entity: string, reason: RegExp) =>
    expect.objectContaining({
      code: 'SOFT_DELETE_CONFIG',
      option: `discoverEntity(), ${entity}`,
      problem: expect.stringMatching(reason),
      advice: expect.stringContaining(`Add ${entity} to the \`entities\``),
    });

  it.each<[string, string, EntityName]>([
    ['marked by a function', 'Coupon', Coupon],
    ['marked by a decorator', 'Voucher', Voucher],
    ['of a hierarchy that is marked', 'Staff', Staff],
  ])('refuses an entity that is %s', async (_kind, name, entity) => {
    expect(() => orm.discoverEntity(entity as never)).toThrow(refusal(name, /it is soft-deletable/));
  });

  it.each<[string, string, EntityName, RegExp]>([
    ['refers to soft-deletable rows', 'Visit', Visit, /its relation customer leads/],
    ['has a collection of them', 'Party', Party, /its relation guests leads/],
  ])('refuses an entity that %s', async (_kind, name, entity, reason) => {
    expect(() => orm.discoverEntity(entity as never)).toThrow(refusal(name, reason));
  });

  it('refuses all that is discovered together, whatever of it is concerned', async () => {
    expect(() => orm.discoverEntity([Setting, Letter, Visit] as never)).toThrow(refusal('Visit', /customer/));
    await expect(async () => orm.em.fork().findAll(Setting)).rejects.toThrow(/Setting/);
    expect([...orm.getMetadata()].map(({ className }) => className).toSorted()).toEqual(['Customer', 'Tag']);
  });

  it('leaves it to the ORM to say what it cannot discover itself, and knows none of it after that', async () => {
    expect(() => orm.discoverEntity([Setting, Comment] as never)).toThrow(TypeError);
    expect([...orm.getMetadata()].map(({ className }) => className).toSorted()).toEqual(['Customer', 'Tag']);
  });

  it('leaves no way to remove rows of what it has refused', async () => {
    expect(() => orm.discoverEntity([Coupon] as never)).toThrow(SoftDeleteConfigError);
    const em = orm.em.fork();
    await expect(async () => {
      em.remove(em.getReference(Coupon, 1));
      await em.flush();
    }).rejects.toThrow(TypeError);
    await expect(em.nativeDelete(Coupon, { id: 1 })).rejects.toThrow(TypeError);
    expect(await database.query('select id, deleted_at from coupon')).toEqual([{ id: 1, deleted_at: null }]);
  });

  it('does not give up what it knows of a marked entity', async () => {
    expect(() => orm.discoverEntity(Customer as never, Customer as never)).toThrow(
      refusal('Customer', /it is soft-deletable/),
    );
    expect(() => orm.discoverEntity(Visit as never)).toThrow(SoftDeleteConfigError);
    const em = orm.em.fork();
    em.remove(await em.findOneOrFail(Customer, 1));
    await em.flush();
    expect(await database.query('select id, deleted_at is not null as deleted from customer order by id')).toEqual([
      { id: 1, deleted: true },
      { id: 2, deleted: false },
    ]);
    expect(await orm.em.fork().count(Customer)).toBe(1);
    await database.query('update customer set deleted_at = null');
  });

  it('takes an entity that soft deletion is no matter of', async () => {
    orm.discoverEntity(Setting);
    const em = orm.em.fork();
    expect(await em.findAll(Setting)).toMatchObject([{ id: 1, value: 'on' }]);
    em.remove(em.create(Setting, { id: 2, value: 'off' }));
    em.remove(await em.findOneOrFail(Customer, 2));
    await em.flush();
    expect(await database.query('select deleted_at is not null as deleted from customer where id = 2')).toEqual([
      { deleted: true },
    ]);
    await database.query('update customer set deleted_at = null');
  });
});
