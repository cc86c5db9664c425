import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ActiveUnique, RestoreConflictError, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@ActiveUnique({ properties: ['code'], where: { published: true }, name: 'booking_published_code' })
@Entity()
class Booking extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', default: 'room' })
  room!: string;

  @Property({ type: 'int4range', nullable: true })
  during?: string | null;

  @Property({ type: 'text', nullable: true })
  code?: string | null;

  @Property({ type: 'boolean', default: false })
  published!: boolean;
}

/** What may stand in the way of a restoration besides a partial index. */
const CONSTRAINTS = {
  'an exclusion constraint': {
    sql: 'exclude using gist (during with &&) where (deleted_at is null)',
    first: { during: '[1,5)' },
    second: { during: '[4,6)' },
    apart: { during: '[5,6)' },
    properties: ['during'],
  },
  'an exclusion constraint over several columns': {
    sql: 'exclude using gist (room with =, during with &&) where (deleted_at is null)',
    first: { room: 'a', during: '[1,5)' },
    second: { room: 'a', during: '[4,6)' },
    apart: { room: 'b', during: '[4,6)' },
    properties: ['room', 'during'],
  },
  'an exclusion constraint on an expression': {
    sql: 'exclude using btree (lower(code) with =) where (deleted_at is null)',
    first: { code: 'Ada' },
    second: { code: 'ADA' },
    apart: { code: 'Bob' },
    properties: undefined,
  },
  'an exclusion constraint that is checked at the commit': {
    sql: 'exclude using gist (during with &&) where (deleted_at is null) deferrable initially deferred',
    first: { during: '[1,5)' },
    second: { during: '[4,6)' },
    apart: { during: '[5,6)' },
    properties: ['during'],
  },
  'a unique constraint that is checked at the commit': {
    sql: 'unique nulls not distinct (code, deleted_at) deferrable initially deferred',
    first: { code: 'Ada' },
    second: { code: 'Ada' },
    apart: { code: 'Bob' },
    properties: ['code', 'deletedAt'],
  },
  'a unique constraint that may be checked at the commit': {
    sql: 'unique nulls not distinct (code, deleted_at) deferrable initially immediate',
    first: { code: 'Ada' },
    second: { code: 'Ada' },
    apart: { code: 'Bob' },
    properties: ['code', 'deletedAt'],
  },
};

describe('constraints in the way of a restoration', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Booking], {}, {}, 'create extension btree_gist');
  });
  afterAll(() => test.close());

  const insert = async (values: object, deletedAt: string | null = null) => {
    const columns = Object.entries({ ...values, deleted_at: deletedAt });
    const [{ id }] = await test.database.query(
      `insert into booking (${columns.map(([name]) => name).join(', ')})
       values (${columns.map((_column, i) => `$${i + 1}`).join(', ')}) returning id`,
      columns.map(([, value]) => value),
    );
    return id as number;
  };
  const active = async () =>
    (await test.database.query('select id from booking where deleted_at is null order by id')).map(({ id }) => id);
  const bookings = () => em.getRepository(Booking) as any;

  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
  });
  afterEach(async () => {
    await test.database.query('truncate booking; alter table booking drop constraint if exists obstacle');
  });

  describe.each(Object.entries(CONSTRAINTS))('%s', (_title, { sql, first, second, apart, properties }) => {
    beforeEach(() => test.database.query(`alter table booking add constraint obstacle ${sql}`));

    const conflict = (key: number, conflictingKey: number, conflictingWith: string) => ({
      reason: 'unique',
      entity: 'Booking',
      constraint: 'obstacle',
      key,
      conflictingKey,
      conflictingWith,
      ...(properties ? { properties } : {}),
    });

    it.each([false, true])('is reported with the active row, in a transaction of the caller: %s', async (inside) => {
      const old = await insert(first, '2020-01-01');
      const current = await insert(second);
      const restore = () =>
        inside ? em.transactional((tx) => (tx.getRepository(Booking) as any).restore(old)) : bookings().restore(old);
      const error = await restore().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RestoreConflictError);
      expect(error.conflicts).toEqual([conflict(old, current, 'active')]);
      expect(await active()).toEqual([current]);
    });

    it('is reported for rows that would come back together', async () => {
      const ids = [await insert(first, '2020-01-01'), await insert(second, '2020-01-02')];
      const error = await bookings()
        .restore(ids)
        .catch((thrown: unknown) => thrown);
      expect(error.conflicts).toEqual([conflict(ids[0]!, ids[1]!, 'restored')]);
      expect(await active()).toEqual([]);
    });

    it('lets others pass', async () => {
      const old = await insert(first, '2020-01-01');
      const current = await insert(apart);
      await insert(second, '2020-01-02');
      expect(await bookings().restore(old)).toMatchObject({ total: 1 });
      expect(await active()).toEqual([old, current]);
    });

    it('is named when somebody takes the place meanwhile', async () => {
      const old = await insert(first, '2020-01-01');
      const other = await test.database.connect();
      try {
        await other.query('begin');
        const names = Object.keys(second);
        await other.query(
          `insert into booking (${names.join(', ')}) values (${names.map((_name, i) => `$${i + 1}`).join(', ')})`,
          Object.values(second),
        );
        const restoring = bookings()
          .restore(old)
          .catch((thrown: unknown) => thrown);
        for (let waiting = false; !waiting;) {
          const [row] = await test.database.query(
            `select count(*)::int as count from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'`,
          );
          waiting = row.count > 0;
        }
        await other.query('commit');
        const error = await restoring;
        expect(error).toBeInstanceOf(RestoreConflictError);
        expect(error.conflicts).toMatchObject([{ reason: 'unique', key: old, constraint: 'obstacle' }]);
      } finally {
        await other.end();
      }
      expect(await active()).not.toContain(old);
    });
  });

  describe('an ActiveUnique with a condition of its own', () => {
    it('is in the way of rows that it covers, whichever side that is', async () => {
      const old = await insert({ code: 'x', published: true }, '2020-01-01');
      const draft = await insert({ code: 'x', published: false }, '2020-01-02');
      const current = await insert({ code: 'x', published: true });
      expect(
        (
          await bookings()
            .restore(old)
            .catch((thrown: unknown) => thrown)
        ).conflicts,
      ).toMatchObject([
        { constraint: 'booking_published_code', key: old, conflictingKey: current, properties: ['code'] },
      ]);
      expect(await bookings().restore(draft)).toMatchObject({ total: 1 });
      expect(await active()).toEqual([draft, current]);
    });

    it('frees its value for a row of the same flush', async () => {
      const id = await insert({ code: 'x', published: true });
      em.remove(await em.findOneOrFail(Booking, id));
      const next = em.create(Booking, { code: 'x', published: true, room: 'a' } as never);
      await em.flush();
      expect(await active()).toEqual([(next as Booking).id]);
      await expect(insert({ code: 'x', published: true })).rejects.toThrow('booking_published_code');
      await insert({ code: 'x', published: false });
    });
  });
});
