import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createPurge, softDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Author, Book, Draft, LIBRARY, Member, Passport, Review, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const TABLES = ['Author', 'Book', 'Chapter', 'Draft', 'Loan', 'Review', 'Passport', 'Tag', 'Member'];
const ENTITIES = [...LIBRARY, ...complianceEntities()];

/** By action and entity, how many rows. */
type Counts = Readonly<Record<string, number>>;

interface Door {
  readonly name: string;
  readonly expected: Counts;
  act(em: EntityManager, orm: MikroORM): Promise<unknown>;
}

const repository = <E extends object>(em: EntityManager, entity: new () => E) =>
  em.getRepository(entity) as unknown as SoftDeleteRepository<E>;

const DOORS: readonly Door[] = [
  {
    name: 'softDelete() with what lies behind',
    expected: {
      'deleted Author': 1,
      'deleted Book': 2,
      'deleted Chapter': 3,
      'deleted Draft': 2,
      'deleted Passport': 1,
    },
    act: (em) => repository(em, Author).softDelete(1),
  },
  {
    name: 'softDelete() of none',
    expected: {},
    act: (em) => repository(em, Author).softDelete({ name: 'nobody' }),
  },
  {
    name: 'a flush with a named row and what lies behind',
    expected: { 'deleted Book': 1, 'deleted Chapter': 2, 'deleted Tag': 1 },
    async act(em) {
      em.remove(await em.findOneOrFail(Book, 2)).remove(await em.findOneOrFail(Tag, 1));
      await em.flush();
    },
  },
  {
    name: 'a flush with an orphan',
    expected: { 'deleted Draft': 1 },
    async act(em) {
      const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
      author.drafts.remove(author.drafts[0]!);
      await em.flush();
    },
  },
  {
    name: 'a flush that replaces a collection which was not loaded',
    expected: { 'deleted Draft': 2 },
    async act(em) {
      (await em.findOneOrFail(Author, 1)).drafts.set([em.create(Draft, { title: 'new' })]);
      await em.flush();
    },
  },
  {
    name: 'a flush that replaces a one-to-one',
    expected: { 'deleted Passport': 1 },
    async act(em) {
      const author = await em.findOneOrFail(Author, 1, { populate: ['passport'] });
      author.passport = em.create(Passport, { number: 'new' });
      await em.flush();
    },
  },
  {
    name: 'a flush with two units of one entity',
    expected: { 'deleted Review': 2 },
    async act(em) {
      await em.remove(await em.findOneOrFail(Review, 1)).flush();
      await em.remove(await em.findOneOrFail(Review, 2)).flush();
    },
  },
  {
    name: 'nativeDelete()',
    expected: { 'deleted Tag': 2 },
    act: (em) => em.nativeDelete(Tag, { name: { $ne: 'red' } }),
  },
  {
    name: 'restore()',
    expected: { 'restored Member': 1 },
    act: (em) => repository(em, Member).restore(2),
  },
  {
    name: 'restoreOrCreate()',
    expected: { 'restored Member': 1 },
    act: (em) => repository(em, Member).restoreOrCreate({ email: 'gone@x' }, { email: 'gone@x', name: 'back' }),
  },
  {
    name: 'hardDelete() of active and deleted rows',
    expected: { 'hard-deleted Book': 2, 'hard-deleted Chapter': 3, 'hard-deleted Member': 1 },
    async act(em) {
      await repository(em, Book).hardDelete({ author: 1 });
      await repository(em, Member).hardDelete(2);
    },
  },
  {
    name: 'a hold',
    expected: { 'held Author': 1, 'held Book': 2 },
    act: (_em, orm) =>
      createCompliance(orm).holds.place({
        name: 'x',
        reason: 'y',
        on: [
          [Author, 1],
          [Book, 1],
          [Book, 2],
        ],
      }),
  },
  {
    name: 'the release of a hold',
    expected: { 'released Tag': 1 },
    act: (_em, orm) => createCompliance(orm).holds.release(1, { reason: 'over' }),
  },
];

describe('records equal effects', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(ENTITIES, {}, { actor: () => 'ada' });
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate author, book, chapter, draft, loan, review, note, passport, tag, book_tags, member, deletion_record, legal_hold, legal_hold_row
        restart identity cascade;
      insert into author (name) values ('Ada'), ('Bob');
      insert into book (title, author_id) values ('one', 1), ('two', 1);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 2);
      insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
      insert into review (text, author_id) values ('r1', 1), ('r2', 1);
      insert into passport (number, author_id) values ('P1', 1);
      insert into tag (name) values ('red'), ('blue'), ('green');
      insert into member (email, name, deleted_at) values ('a@x', 'a', null), ('gone@x', 'gone', now() - interval '1 day');
      insert into legal_hold (name, reason) values ('old', 'old');
      insert into legal_hold_row values (1, 'Tag', '["1"]')`);
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  /** Every row that can be deleted, with its time; every row that holds were placed on, with the time of the release. */
  const state = async () => {
    const rows = TABLES.map(
      (entity) =>
        `select '${entity}' as entity, id::text as key, deleted_at::text as time from ${entity.toLowerCase()}`,
    );
    const found = await test.database.query<{ entity: string; key: string; time: string | null }>(
      `${rows.join(' union all ')} union all select 'hold ' || entity, hold || key::text, released_at::text
       from legal_hold_row join legal_hold on id = hold`,
    );
    return new Map(found.map((row) => [`${row.entity} ${row.key}`, row]));
  };
  const actionOf = (
    isHold: boolean,
    before: { time: string | null } | undefined,
    after: { time: string | null } | undefined,
  ) => {
    if (!before || !after) {
      return before ? 'hard-deleted' : isHold ? 'held' : undefined;
    }
    return before.time === after.time ? undefined : isHold ? 'released' : after.time === null ? 'restored' : 'deleted';
  };
  /** What has become of the rows, as records count it. */
  const effects = (before: Awaited<ReturnType<typeof state>>, after: typeof before): Counts => {
    const counts: Record<string, number> = {};
    for (const id of new Set([...before.keys(), ...after.keys()])) {
      const isHold = id.startsWith('hold ');
      const action = actionOf(isHold, before.get(id), after.get(id));
      if (action) {
        const name = `${action} ${id.replace('hold ', '').split(' ')[0]!}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    return counts;
  };
  const records = async (): Promise<Counts> =>
    Object.fromEntries(
      (
        await test.database.query(
          `select action || ' ' || entity as name, sum(count)::int as rows from deletion_record group by 1`,
        )
      ).map(({ name, rows }) => [name, rows as number]),
    );
  /** What the records say of rows that carry their units' times, or had the keys that they name. */
  const isTrue = async () => {
    for (const { action, entity, unit, count, keys } of await test.database.query(
      'select action, entity, unit::text, count::int, keys from deletion_record',
    )) {
      if (action === 'deleted') {
        const [{ rows }] = (await test.database.query(
          `select count(*)::int as rows from ${entity.toLowerCase()} where deleted_at::text = '${unit}'`,
        )) as [{ rows: number }];
        expect([entity, rows]).toEqual([entity, count]);
      } else {
        expect(keys).toHaveLength(count);
      }
    }
  };
  const refuse = () => Promise.reject(new Error('refused'));
  const isRefused = (error: Error) => expect(error.message).toBe('refused');

  describe.each(DOORS)('of $name', ({ act, expected }) => {
    it('that is committed', async () => {
      const before = await state();
      await act(em, test.orm);
      expect(effects(before, await state())).toEqual(expected);
      expect(await records()).toEqual(expected);
      await isTrue();
    });

    it('that is committed with the transaction around it', async () => {
      const before = await state();
      await em.transactional((tx) => act(tx, test.orm));
      expect(effects(before, await state())).toEqual(expected);
      expect(await records()).toEqual(expected);
      await isTrue();
    });

    it('that is rolled back', async () => {
      const before = await state();
      await em
        .transactional(async (tx) => {
          await act(tx, test.orm);
          await refuse();
        })
        .catch(isRefused);
      expect(effects(before, await state())).toEqual({});
      expect(await records()).toEqual({});
    });

    it('whose savepoint is rolled back, while its transaction goes on', async () => {
      const before = await state();
      await em.transactional(async (tx) => {
        await tx
          .transactional(async (inner) => {
            await inner.transactional((innermost) => act(innermost, test.orm));
            await refuse();
          })
          .catch(isRefused);
        await repository(tx, Author).softDelete(2);
      });
      expect(effects(before, await state())).toEqual({ 'deleted Author': 1 });
      expect(await records()).toEqual({ 'deleted Author': 1 });
    });

    it('whose backend is killed before it commits', async () => {
      const before = await state();
      // The ORM never gets back a connection that cannot be rolled back, so this one is left to itself.
      const other = await MikroORM.init({
        clientUrl: test.database.url,
        entities: ENTITIES,
        extensions: [softDelete()],
      });
      const broken = other.em.fork().transactional(async (tx) => {
        await act(tx as EntityManager, other);
        const [backend] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
        await test.database.query('select pg_terminate_backend($1)', [backend!.pid]);
        await tx.execute('select 1');
      });
      await expect(broken).rejects.toThrow(/terminat|connection/i);
      expect(effects(before, await state())).toEqual({});
      expect(await records()).toEqual({});
    });
  });

  describe('of a purge', () => {
    const purge = () =>
      createPurge(test.orm, { retention: '1h', brake: false, batchSize: 1, pauseBetweenBatches: 0 }).run();

    beforeEach(async () => {
      await test.database.query(`
        delete from review;
        ${['author', 'book', 'chapter', 'draft', 'passport', 'tag'].map((table) => `update ${table} set deleted_at = now() - interval '1 day'`).join(';')}`);
    });
    afterEach(() => test.database.query('drop trigger if exists break_it on deletion_record'));

    const expected = (total: Counts) =>
      Object.fromEntries(Object.entries(total).map(([name, count]) => [name.replace('hard-deleted', 'purged'), count]));

    it('that is committed, batch by batch', async () => {
      const before = await state();
      await purge();
      const all = expected(effects(before, await state()));
      expect(all).toMatchObject({ 'purged Author': 2, 'purged Chapter': 3, 'purged Member': 1 });
      expect(await records()).toEqual(all);
    });

    it.each([
      ['of which batches are rolled back', `raise exception 'no'`],
      ['of which backends are killed', 'perform pg_terminate_backend(pg_backend_pid())'],
    ])('%s', async (_how, body) => {
      const before = await state();
      await test.database.query(`
        create sequence if not exists broken;
        create or replace function break_it() returns trigger as $$ begin
          if nextval('broken') % 4 = 0 then ${body}; end if; return new; end; $$ language plpgsql;
        create trigger break_it before insert on deletion_record for each row execute function break_it()`);
      await purge().catch(() => undefined);
      const all = expected(effects(before, await state()));
      expect(Object.keys(all).length).toBeGreaterThan(1);
      expect(await records()).toEqual(all);
    });
  });

  it('of 10,000 rows on three levels, by one record for each entity and one statement more', async () => {
    const plain = await createTestOrm(LIBRARY);
    const statements = async ({ orm, database, statements }: TestOrm) => {
      await database.query(`
        truncate author, book, chapter, draft, passport restart identity cascade;
        insert into author (name) select 'many' from generate_series(1, 1000);
        insert into book (title, author_id) select 'many', 1 + n % 1000 from generate_series(1, 3000) as n;
        insert into chapter (title, book_id) select 'many', 1 + n % 3000 from generate_series(1, 6000) as n`);
      statements.length = 0;
      await repository(orm.em.fork() as EntityManager, Author).softDelete({ name: 'many' });
      return statements.length;
    };
    expect(await statements(test)).toBe((await statements(plain)) + 1);
    await plain.close();
    expect(await records()).toEqual({ 'deleted Author': 1_000, 'deleted Book': 3_000, 'deleted Chapter': 6_000 });
    expect(await test.database.query('select 1 from deletion_record')).toHaveLength(3);
    await isTrue();
  });

  it('is a test that sees rows which nobody has recorded', async () => {
    const before = await state();
    await test.database.query(`update tag set deleted_at = now() where id = 1; delete from chapter where id = 1`);
    expect(effects(before, await state())).toEqual({ 'deleted Tag': 1, 'hard-deleted Chapter': 1 });
  });
});
