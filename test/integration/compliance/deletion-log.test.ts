import { type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
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
  createCompliance,
  DeletionLog,
  withDeletionContext,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'string' })
  name!: string;
}

/** Its key has two columns, one of them a foreign key, and its timestamp no time zone. */
@SoftDeletable<Seat>({ property: 'goneAt' })
@Entity()
class Seat {
  @ManyToOne(() => Customer, { primary: true, deleteRule: 'cascade' })
  customer!: Rel<Customer>;

  @PrimaryKey({ type: 'bigint' })
  number!: bigint;

  @Property({ columnType: 'timestamp', type: 'datetime', nullable: true })
  goneAt?: Date | null;
}

@Entity()
class Plain {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const ADA = 'aaaaaaaa-0000-4000-8000-000000000001';
const BOB = 'aaaaaaaa-0000-4000-8000-000000000002';

describe(DeletionLog.name, () => {
  let test: TestOrm;
  let em: EntityManager;
  let log: Compliance['log'];

  beforeAll(async () => {
    test = await createTestOrm([Customer, Seat, Plain, ...complianceEntities()], {}, { actor: () => 'ada' });
    ({ log } = createCompliance(test.orm));
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate customer, seat, plain, deletion_record restart identity cascade;
      insert into customer (id, name) values ('${ADA}', 'Ada'), ('${BOB}', 'Bob');
      insert into seat (customer_id, number) values ('${ADA}', 1), ('${ADA}', 9007199254740993), ('${BOB}', 1);
      insert into plain (id) values (1)`);
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const actions = async (entity: any, key: unknown) =>
    (await log.of(entity, key as never)).map(({ action, reason }) => `${action} ${reason ?? ''}`.trim());
  const backdate = () =>
    test.database.query(
      `update customer set deleted_at = deleted_at - interval '1 day'; update seat set gone_at = gone_at - interval '1 day'`,
    );

  it('tells who deleted a row and why, while it is deleted, by its own unit alone', async () => {
    await repository(Customer).softDelete(ADA, { reason: 'asked' });
    await repository(Customer).softDelete(BOB, { reason: 'spam', actor: 'bob' });
    const [entry, ...others] = await log.of(Customer, ADA.toUpperCase());
    const [{ unit, at }] = await test.database.query(
      `select to_char(deleted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' as unit, (select min(at) from deletion_record) as at
       from customer where id = '${ADA}'`,
    );
    expect(others).toEqual([]);
    expect(entry).toEqual({ at, action: 'deleted', entity: 'Customer', count: 1, unit, actor: 'ada', reason: 'asked' });
    expect(await actions(Seat, [ADA, 1n])).toEqual(['deleted asked']);
    expect(await actions(Seat, [BOB, 1n])).toEqual(['deleted spam']);
  });

  it('tells the whole history of a row that came back, was deleted again and is gone', async () => {
    for (const round of ['first', 'second']) {
      await repository(Customer).softDelete(ADA, { reason: `${round} deletion` });
      await repository(Customer).restore(ADA, { reason: `${round} restoration` });
    }
    await repository(Customer).softDelete(BOB, { reason: 'of another' });
    await repository(Customer).softDelete(ADA, { reason: 'third deletion' });
    const ended = ['third deletion', 'second restoration', 'second deletion', 'first restoration', 'first deletion'];
    const all = ended.map((reason) => `${reason.includes('rest') ? 'restored' : 'deleted'} ${reason}`);
    expect(await actions(Customer, ADA)).toEqual(all);
    expect(await actions(Seat, [ADA, 9007199254740993n])).toEqual(all);
    await repository(Customer).hardDelete(ADA, { reason: 'end' });
    expect(await actions(Customer, ADA)).toEqual(['hard-deleted end', ...all]);
    expect(await actions(Seat, [ADA, 9007199254740993n])).toEqual(['hard-deleted end', ...all]);
    expect(await actions(Customer, BOB)).toEqual(['deleted of another']);
  });

  it('finds the deletion of a row that a purge has removed among rows of other units', async () => {
    await repository(Customer).softDelete(ADA, { reason: 'asked' });
    await repository(Customer).softDelete(BOB, { reason: 'spam' });
    const [before] = await log.of(Customer, ADA);
    // The purge knows the row by a unit that the record does not have, unless both are moved.
    await createPurge(test.orm, { retention: 0 }).run();
    const [purged, deleted] = await log.of(Customer, ADA);
    expect(purged).toMatchObject({ action: 'purged', count: 2, keys: expect.arrayContaining([ADA, BOB]) });
    expect(deleted).toEqual(before);
    expect(await actions(Customer, BOB)).toEqual(['purged', 'deleted spam']);
    expect(await actions(Seat, [ADA, 1n])).toEqual(['purged', 'deleted asked']);
  });

  it('gives keys as entities have them', async () => {
    await repository(Seat).hardDelete([[BOB, 1n]] as never);
    await repository(Seat).softDelete({ customer: ADA });
    await backdate();
    await createPurge(test.orm, { retention: '1h' }).run({ entities: [Seat] });
    const [purged, , removed] = await log.find({ entity: Seat });
    expect(removed!.keys).toEqual([[BOB, 1n]]);
    expect(purged!.keys).toEqual(
      expect.arrayContaining([
        [ADA, 1n],
        [ADA, 9007199254740993n],
      ]),
    );
    expect(await actions(Seat, [BOB, 1n])).toEqual(['hard-deleted']);
    expect(await actions(Seat, [BOB, 2n])).toEqual([]);
  });

  it('finds by entity, actor, action and time, the newest first, a hundred unless told otherwise', async () => {
    await withDeletionContext({ actor: 'bob' }, () => repository(Customer).softDelete(BOB));
    // A Date has no microseconds: what was recorded before it was made may be later than it.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = new Date();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await repository(Customer).restore(BOB);
    const found = async (query: object) => (await log.find(query)).map(({ action, entity }) => `${action} ${entity}`);
    expect(await found({})).toEqual(['restored Seat', 'restored Customer', 'deleted Seat', 'deleted Customer']);
    expect(await found({ entity: Customer })).toEqual(['restored Customer', 'deleted Customer']);
    expect(await found({ actor: 'bob' })).toEqual(['deleted Seat', 'deleted Customer']);
    expect(await found({ action: 'restored', entity: Seat })).toEqual(['restored Seat']);
    expect(await found({ from: between })).toEqual(['restored Seat', 'restored Customer']);
    expect(await found({ to: between })).toEqual(['deleted Seat', 'deleted Customer']);
    expect(await found({ limit: 1 })).toEqual(['restored Seat']);
    await test.database.query(
      `insert into deletion_record (action, entity, count) select 'deleted', 'Old', 1 from generate_series(1, 200)`,
    );
    expect(await log.find()).toHaveLength(100);
    expect(await log.find({ limit: 150 })).toHaveLength(150);
  });

  it('shows what its transaction has recorded, and nobody else before it commits', async () => {
    await test.orm.em.fork().transactional(async (tx) => {
      await repository(Customer, tx as EntityManager).softDelete(ADA);
      expect(await log.of(Customer, ADA)).toHaveLength(1);
      expect(await test.database.query('select 1 from deletion_record')).toEqual([]);
    });
    expect(await log.of(Customer, ADA)).toHaveLength(1);
  });

  it('keeps records of entities that are gone', async () => {
    await test.database.query(
      `insert into deletion_record (action, entity, count, keys, units) values ('purged', 'Gone', 2, '[["7"],["8"]]', '[null,null]')`,
    );
    expect(await log.find({ action: 'purged' })).toMatchObject([{ entity: 'Gone', keys: ['7', '8'] }]);
  });

  it.each([
    ['an unknown option', { entitty: Customer }],
    ['an unknown action', { action: 'delete' }],
    [
      'what is no entity',
      {
        entity: class Other {
          id = 1;
        },
      },
    ],
    ['a limit that is none', { limit: 0 }],
    ['a date that is none', { from: '2020' }],
  ])('refuses %s', async (_what, query) => {
    await expect(log.find(query as never)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
  });

  it.each([
    [Customer, undefined],
    [Seat, ADA],
    [Customer, {}],
    [
      class Other {
        id = 1;
      },
      1,
    ],
  ])('refuses a key that is none: %p, %p', async (entity, key) => {
    await expect(log.of(entity as never, key as never)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
  });

  it('says what is missing where nothing is recorded', async () => {
    const other = await createTestOrm([Customer, Seat]);
    expect(() => createCompliance(other.orm)).toThrow('complianceEntities()');
    await expect(new DeletionLog(other.orm).of(Customer, ADA)).rejects.toThrow('complianceEntities()');
    await other.close();
  });
});
