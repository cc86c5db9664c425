import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  complianceTablesSql,
  createCompliance,
  LegalHoldService,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '1d' })
@Entity({ tableName: 'customer' })
class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Order, (order) => order.customer, { cascade: [Cascade.ALL] })
  orders = new Collection<Order>(this);
}

@SoftDeletable({ retention: '1d' })
@Entity({ tableName: 'purchase' })
class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @OneToMany(() => Line, (line) => line.order, { cascade: [Cascade.ALL] })
  lines = new Collection<Line>(this);
}

/** Not soft-deletable: it goes with its order, or with its product. */
@Entity({ tableName: 'line' })
class Line {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Order, { deleteRule: 'cascade' })
  order!: Rel<Order>;

  @ManyToOne(() => Product, { deleteRule: 'cascade', nullable: true })
  product?: Rel<Product> | null;
}

@SoftDeletable({ retention: '1d' })
@Entity({ tableName: 'product' })
class Product extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  name?: string | null;
}

describe(LegalHoldService.name, () => {
  let test: TestOrm;
  let em: EntityManager;
  let holds: Compliance['holds'];

  beforeAll(async () => {
    test = await createTestOrm([Customer, Order, Line, Product, ...complianceEntities()], {}, { actor: () => 'ada' });
    ({ holds } = createCompliance(test.orm));
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate customer, purchase, line, product, deletion_record, legal_hold, legal_hold_row restart identity cascade;
      insert into customer select from generate_series(1, 4);
      insert into product select from generate_series(1, 3);
      insert into purchase (customer_id) values (1), (1), (2);
      insert into line (order_id, product_id) values (1, 1), (2, null), (3, 2)`);
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const ids = async (table: string) =>
    (await test.database.query(`select id from ${table} order by id`)).map(({ id }) => id as number);
  const place = (on: any[], name = 'dispute') => holds.place({ name, reason: 'case 7', on });
  const deleteAll = () =>
    test.database.query(
      ['customer', 'purchase', 'product']
        .map((table) => `update ${table} set deleted_at = now() - interval '2 days'`)
        .join(';'),
    );
  const purge = (options = {}) => createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, ...options });
  const numbers = (entities: readonly any[]) =>
    Object.fromEntries(
      entities.map(({ entity, purged, blocked, held, locked, failed }) => [
        entity,
        { purged, blocked, held, left: locked + failed },
      ]),
    );

  it('refuses hardDelete() of the row, of what lies behind it, and of what it lies behind', async () => {
    const hold = await place([[Order, 1]]);
    const held = { code: 'LEGAL_HOLD', holds: [{ id: hold.id, name: 'dispute' }] };
    await expect(repository(Order).hardDelete(1)).rejects.toMatchObject({ ...held, held: { Order: 1, Line: 1 } });
    await expect(repository(Customer).hardDelete(1)).rejects.toMatchObject(held);
    await expect(repository(Product).hardDelete(1)).rejects.toMatchObject({ ...held, held: { Product: 1, Line: 1 } });
    expect(await repository(Customer).hardDelete(1, { dryRun: true })).toMatchObject({
      restrictions: [
        { relation: 'the legal hold "dispute"', entity: 'Order', count: 1 },
        { relation: 'the legal hold "dispute"', entity: 'Line', count: 1 },
      ],
    });
    await repository(Order).hardDelete(2);
    await repository(Customer).hardDelete(2);
    expect([await ids('customer'), await ids('purchase'), await ids('line')]).toEqual([[1, 3, 4], [1], [1]]);
  });

  it('covers rows that are added later', async () => {
    await place([[Customer, 3]]);
    await test.database.query('insert into purchase (id, customer_id) values (9, 3)');
    await expect(repository(Order).hardDelete(9)).rejects.toMatchObject({ code: 'LEGAL_HOLD' });
    expect((await holds.of(Order, 9)).map(({ name }) => name)).toEqual(['dispute']);
    expect(await holds.of(Order, 1)).toEqual([]);
  });

  it('lets soft deletion and restoration pass', async () => {
    await place([[Customer, 1]]);
    await repository(Customer).softDelete(1);
    await em.remove(await em.findOneOrFail(Order, 3)).flush();
    await repository(Customer).restore(1);
    expect(await ids('customer')).toEqual([1, 2, 3, 4]);
  });

  it('keeps rows from the purge, which counts them as held, also where they are blocked', async () => {
    await place([[Customer, 1]]);
    await deleteAll();
    await test.database.query('update purchase set deleted_at = null where id = 2');
    const expected = {
      Order: { purged: 1, blocked: 0, held: 1, left: 0 },
      Customer: { purged: 3, blocked: 0, held: 1, left: 0 },
      Product: { purged: 2, blocked: 0, held: 1, left: 0 },
    };
    expect(numbers((await purge().run({ dryRun: true })).entities)).toEqual(expected);
    expect(numbers((await purge().run()).entities)).toEqual(expected);
    expect([await ids('customer'), await ids('purchase'), await ids('product'), await ids('line')]).toEqual([
      [1],
      [1, 2],
      [1],
      [1, 2],
    ]);
  });

  it('keeps a row that a held one references as blocked', async () => {
    await place([[Order, 3]]);
    await deleteAll();
    expect(numbers((await purge().run()).entities)).toMatchObject({
      Order: { purged: 2, held: 1, blocked: 0 },
      Customer: { purged: 3, held: 0, blocked: 1 },
    });
  });

  it('frees a row with the last of its holds, and keeps all on record', async () => {
    const first = await place([[Customer, 1]], 'first');
    const second = await place(
      [
        [Customer, 1],
        [Customer, 4],
      ],
      'second',
    );
    expect(second).toMatchObject({
      placedBy: 'ada',
      on: [
        { entity: 'Customer', key: 1 },
        { entity: 'Customer', key: 4 },
      ],
    });
    await holds.release(first.id, { reason: 'settled' });
    await expect(repository(Customer).hardDelete(1)).rejects.toMatchObject({
      code: 'LEGAL_HOLD',
      holds: [{ name: 'second' }],
    });
    await deleteAll();
    expect(numbers((await purge().run()).entities)).toMatchObject({ Customer: { held: 2 } });
    await holds.release(second.id, { reason: 'settled', actor: 'bob' });
    expect(numbers((await purge().run()).entities)).toMatchObject({ Customer: { purged: 2, held: 0 } });
    expect(await holds.list()).toMatchObject([
      { name: 'second', releasedBy: 'bob', releaseReason: 'settled', releasedAt: expect.any(Date) },
      { name: 'first', releasedBy: 'ada' },
    ]);
    await expect(holds.release(first.id, { reason: 'again' })).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    expect(
      await test.database.query(
        `select action, entity, count, keys, actor, reason from deletion_record where action in ('held', 'released') order by id`,
      ),
    ).toMatchObject([
      { action: 'held', keys: [['1']], actor: 'ada', reason: 'case 7' },
      { action: 'held', count: '2', keys: [['1'], ['4']] },
      { action: 'released', keys: [['1']], reason: 'settled' },
      { action: 'released', actor: 'bob' },
    ]);
  });

  it('notes the actor that is named, or else the one of the application', async () => {
    await holds.place({ name: 'named', reason: 'case 8', on: [[Customer, 1]], actor: 'eve' });
    const own = await holds.place({ name: 'own', reason: 'case 8', on: [[Customer, 1]] });
    await holds.release(own.id, { reason: 'settled' });
    expect(await test.database.query('select name, placed_by, released_by from legal_hold order by id')).toEqual([
      { name: 'named', placed_by: 'eve', released_by: null },
      { name: 'own', placed_by: 'ada', released_by: 'ada' },
    ]);
    expect(await test.database.query('select action, actor from deletion_record order by id')).toEqual([
      { action: 'held', actor: 'eve' },
      { action: 'held', actor: 'ada' },
      { action: 'released', actor: 'ada' },
    ]);
  });

  it('is refused by the tables for anything but a release', async () => {
    const { id } = await place([[Customer, 1]]);
    for (const sql of complianceTablesSql()) {
      await test.database.query(sql);
    }
    for (const sql of [
      `update legal_hold set name = 'x'`,
      `update legal_hold set released_at = now(), reason = 'x'`,
      'delete from legal_hold',
      'delete from legal_hold_row',
      `update legal_hold_row set key = '["2"]'`,
      'truncate legal_hold',
      'truncate legal_hold_row',
    ]) {
      await expect(test.database.query(sql)).rejects.toThrow(/Refused to/);
    }
    await holds.release(id, { reason: 'over' });
    await expect(test.database.query('update legal_hold set released_at = null')).rejects.toThrow(/Refused to/);
    for (const table of ['deletion_record', 'legal_hold', 'legal_hold_row']) {
      await test.database.query(`drop trigger ${table}_no_truncate on ${table}`);
    }
    expect(await test.orm.schema.getUpdateSchemaSQL()).toBe('');
  });

  it.each<[string, any]>([
    ['an empty name', { name: ' ', reason: 'r', on: [[Customer, 1]] }],
    ['no reason', { name: 'n', on: [[Customer, 1]] }],
    ['no rows', { name: 'n', reason: 'r', on: [] }],
    [
      'a row that does not exist',
      {
        name: 'n',
        reason: 'r',
        on: [
          [Customer, 1],
          [Customer, 99],
        ],
      },
    ],
    ['an unknown option', { name: 'n', reason: 'r', on: [[Customer, 1]], until: new Date() }],
    ['a review that is no date', { name: 'n', reason: 'r', on: [[Customer, 1]], reviewAt: 'soon' }],
  ])('refuses %s, and places nothing', async (_what, options) => {
    await expect(holds.place(options)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    expect(await holds.list()).toEqual([]);
  });

  it('counts a row once that is named twice', async () => {
    const hold = await place([
      [Customer, 1],
      [Customer, '1' as never],
      [Customer, 1],
    ]);
    expect(hold.on).toEqual([{ entity: 'Customer', key: 1 }]);
    expect(await test.database.query(`select count::int, keys from deletion_record`)).toEqual([
      { count: 1, keys: [['1']] },
    ]);
  });

  it('is announced, as its release is, once the transaction has committed', async () => {
    const { events } = getInstallation(test.orm.em);
    const seen: unknown[] = [];
    const subscription = events.stream$.subscribe((event) => seen.push(event));
    await em
      .transactional(async () => {
        await place([[Customer, 1]]);
        throw new Error('refused');
      })
      .catch((error: Error) => expect(error.message).toBe('refused'));
    expect(seen).toEqual([]);
    const { id } = await place([
      [Customer, 1],
      [Order, 1],
      [Order, 2],
    ]);
    await holds.release(id, { reason: 'over', actor: 'bob' });
    subscription.unsubscribe();
    expect(seen).toEqual([
      { type: 'held', entity: 'Customer', count: 1, keys: [1], actor: 'ada', reason: 'case 7' },
      { type: 'held', entity: 'Order', count: 2, keys: [1, 2], actor: 'ada', reason: 'case 7' },
      { type: 'released', entity: 'Customer', count: 1, keys: [1], actor: 'bob', reason: 'over' },
      { type: 'released', entity: 'Order', count: 2, keys: [1, 2], actor: 'bob', reason: 'over' },
    ]);
  });
});
