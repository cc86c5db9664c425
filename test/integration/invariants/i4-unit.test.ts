import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { RestoreConflictError } from 'nestjs-mikro-orm-soft-delete';
import { takeUnitTime } from '../../../lib/sql/take-unit-time.js';
import { getInstallation } from '../../../lib/installation/installation.js';
import { Author, Book, Chapter, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

/** The view shows the locks of all databases of the server. */
const ADVISORY = `locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`;

describe('I4: a deletion is one unit', () => {
  const library = useLibrary({ pool: { min: 0, max: 24 } });
  const { fork, repo, rows, deleted, plant } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

  it('deletes a loaded entity and what its relations cascade to, to any depth, as one unit', async () => {
    await plant();
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    const times = new Set<string>();
    for (const table of ['author', 'book', 'chapter', 'draft', 'passport'] as const) {
      const all = await rows(table);
      all.filter((row) => row.deleted_at !== null).forEach((row) => times.add(row.time));
    }
    expect(times.size).toBe(1);
    expect([...times][0]).toMatch(/\.\d{4,6}\+00$/);
    expect(await deleted('author')).toEqual([true, false]);
    expect(await deleted('book')).toEqual([true, true, false]);
    expect(await deleted('chapter')).toEqual([true, true, false]);
    expect(await deleted('draft')).toEqual([true, true]);
    expect(await deleted('passport')).toEqual([true]);
    expect(await deleted('review')).toEqual([false]);
  });

  it('restores a unit with more rows behind one than a call can have arguments', async () => {
    const ROWS = 150_000;
    await library.database.query(`
      insert into author (name) values ('Ada'); insert into book (title, author_id) values ('one', 1);
      insert into chapter (title, book_id) select n, 1 from generate_series(1, ${ROWS}) as n;
    `);
    await repo(Author).softDelete(1);

    await expect(repo(Author).restore(1)).resolves.toMatchObject({ affected: { Author: 1, Book: 1, Chapter: ROWS } });

    const [left] = await library.database.query('select from chapter where deleted_at is not null');
    expect(left).toBeUndefined();
  });

  it('leaves the time of a row that is deleted already, loaded or by reference', async () => {
    await plant();
    await library.database.query(`update book set deleted_at = '2020-01-02 03:04:05.678901+00' where id = 1`);
    em.remove(await em.findOneOrFail(Book, 1, { filters: { softDelete: false } }));
    await em.flush();
    const other = fork();
    other.remove(other.getReference(Book, 1));
    await other.flush();

    expect((await rows('book'))[0].time).toBe('2020-01-02 03:04:05.678901+00');
    expect(await deleted('chapter')).toEqual([false, false, false]);
  });

  it('leaves the time that another manager has set meanwhile', async () => {
    await plant();
    const book = await em.findOneOrFail(Book, 1);
    await library.database.query(`update book set deleted_at = '2020-01-02 03:04:05.678901+00' where id = 1`);
    em.remove(book);
    await em.flush();

    expect((await rows('book'))[0].time).toBe('2020-01-02 03:04:05.678901+00');
    expect(book.deletedAt).toEqual(new Date('2020-01-02T03:04:05.678Z'));
  });

  it('leaves rows alone that are deleted already', async () => {
    await plant();
    await library.database.query(`update book set deleted_at = '2020-01-01' where id = 1`);
    expect(await repo(Author).softDelete(1)).toMatchObject({ affected: { Book: 1, Chapter: 1 } });
    expect((await rows('book'))[0].time).toBe('2020-01-01 00:00:00+00');
    expect(await repo(Author).softDelete(1)).toMatchObject({ total: 0 });
  });

  it('deletes a row once when two managers remove it', async () => {
    await library.database.query(
      `insert into author (name) values ('Ada'); insert into book (title, author_id) values ('one', 1)`,
    );
    const [first, second] = [fork(), fork()];
    const [a, b] = [await first.findOneOrFail(Author, 1), await second.findOneOrFail(Author, 1)];
    first.remove(a);
    second.remove(b);
    await Promise.all([first.flush(), second.flush()]);
    expect(a.deletedAt).toEqual(b.deletedAt);
    const [row] = await library.database.query(
      'select a.deleted_at = b.deleted_at as same from author as a, book as b where b.author_id = a.id',
    );
    expect(row).toEqual({ same: true });
  });

  it('brings back exactly the unit', async () => {
    await plant();
    await repo(Book).softDelete(2);
    await repo(Author).softDelete(1);
    expect(await repo(Author).restore(1)).toEqual({
      affected: { Author: 1, Book: 1, Chapter: 1, Draft: 2, Passport: 1 },
      total: 6,
    });
    expect(await deleted('book')).toEqual([false, true, false]);
    expect(await deleted('chapter')).toEqual([false, true, false]);
    expect(await repo(Author).restore(1)).toEqual({ affected: {}, total: 0 });
  });

  it('brings back what is below a row in the middle of a unit only together with its parents', async () => {
    await plant();
    await repo(Author).softDelete(1);
    const restore = repo(Chapter).restore(1);
    await expect(restore).rejects.toThrow(RestoreConflictError);
    await expect(restore).rejects.toMatchObject({
      conflicts: [
        { reason: 'parent-deleted', entity: 'Chapter', key: 1, constraint: 'Book.chapters', conflictingKey: 1 },
      ],
    });
    expect(await repo(Chapter).restore(1, { withParents: true })).toEqual({
      affected: { Chapter: 1, Book: 1, Author: 1 },
      total: 3,
    });
    expect(await deleted('book')).toEqual([false, true, false]);
    expect(await deleted('draft')).toEqual([true, true]);
  });

  it('lets a restore and a deletion of the same unit take turns', async () => {
    await library.database.query(`
      insert into author (name) select 'a' from generate_series(1, 10);
      insert into book (title, author_id) select 'b', a from generate_series(1, 10) as a, generate_series(1, 5)`);
    await repo(Author, fork()).softDelete({});
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const id = (i % 10) + 1;
        return i % 2 ? repo(Author, fork()).restore(id) : repo(Author, fork()).softDelete(id);
      }),
    );
    const torn = await library.database.query(
      'select a.id from author as a join book as b on b.author_id = a.id where a.deleted_at is distinct from b.deleted_at',
    );
    expect(torn).toEqual([]);
  });

  it('gives two flushes of one transaction different times', async () => {
    await plant();
    await em.transactional(async (tx) => {
      tx.remove(tx.getReference(Book, 1));
      await tx.flush();
      tx.remove(tx.getReference(Book, 2));
      await tx.flush();
    });
    const [one, two] = await rows('book');
    expect(one.time).not.toBe(two.time);
  });

  it('gives two operations of one transaction different times', async () => {
    await plant();
    await em.transactional(async (tx) => {
      const books = repo(Book, tx as EntityManager);
      await books.softDelete(1);
      await books.softDelete(2);
    });
    const [one, two] = await rows('book');
    expect(one.time).not.toBe(two.time);
  });

  it('gives every unit a time of its own, across transactions and within them', async () => {
    await library.database.query(`insert into tag (name) select 't' from generate_series(1, 600)`);
    await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        for (let n = 0; n < 6; n++) {
          await fork().transactional(async (em) => {
            for (let i = 1; i <= 5; i++) {
              await repo(Tag, em as EntityManager).softDelete(worker * 30 + n * 5 + i);
            }
          });
        }
      }),
    );
    const [row] = await library.database.query(
      'select count(deleted_at)::int as rows, count(distinct deleted_at)::int as units from tag',
    );
    expect(row).toEqual({ rows: 600, units: 600 });
  });

  it('holds one lock per transaction, however much that deletes', async () => {
    await library.database.query(`insert into tag (name) select 't' from generate_series(1, 50)`);
    await fork().transactional(async (em) => {
      for (let id = 1; id <= 50; id++) {
        await repo(Tag, em as EntityManager).softDelete(id);
      }
      const [row] = await library.database.query(`select count(*)::int from pg_locks where ${ADVISORY}`);
      expect(row).toEqual({ count: 1 });
    });
  });

  it('owns the microseconds of the slot that it has locked', async () => {
    await library.database.query(`insert into tag (name) select 't' from generate_series(1, 5)`);
    await em.transactional(async (tx) => {
      for (let id = 1; id <= 5; id++) {
        await repo(Tag, tx as EntityManager).softDelete(id);
      }
      const [lock] = await library.database.query(
        `select objid::int as slot, classid::int as space from pg_locks where ${ADVISORY}`,
      );
      const slots = await tx.execute(
        'select distinct extract(microseconds from deleted_at)::int % 1000 as slot, max(deleted_at) <= clock_timestamp() as past from tag group by 1',
      );
      expect(slots).toEqual([{ slot: lock.slot, past: true }]);
    });
  });

  it('returns a time once it has passed, so that the next owner of the slot has a later one', async () => {
    const { transactions } = getInstallation(em);
    await em.transactional(async (tx) => {
      const ctx = tx.getTransactionContext() as Transaction;
      for (let n = 0; n < 20; n++) {
        const { text } = await takeUnitTime(tx as EntityManager, ctx, transactions);
        const [row] = await tx.execute('select cast(? as timestamptz) <= clock_timestamp() as past', [text]);
        expect(row).toEqual({ past: true });
      }
    });
  });

  it('goes on from the last time of the transaction, without waiting, when the clock is set back', async () => {
    const { transactions } = getInstallation(em);
    await em.transactional(async (tx) => {
      const ctx = tx.getTransactionContext() as Transaction;
      const ahead = (Date.now() + 3_600_000) * 1000;
      transactions.keepUnitSlot(ctx, { slot: 7, last: String(ahead) });
      const { text } = await takeUnitTime(tx as EntityManager, ctx, transactions);
      const [row] = await tx.execute(
        'select ((extract(epoch from cast(? as timestamptz)) * 1000000)::int8 - ?) between 1 and 1000 as later',
        [text, ahead],
      );
      expect(row).toEqual({ later: true });
    });
  });

  it('takes the slot again that a savepoint unknown to the ORM has let go', async () => {
    await library.database.query(`insert into tag (name) select 't' from generate_series(1, 2)`);
    await em.transactional(async (tx) => {
      await tx.execute('savepoint unknown');
      await repo(Tag, tx as EntityManager).softDelete(1);
      await tx.execute('rollback to unknown');
      await repo(Tag, tx as EntityManager).softDelete(2);
      const [row] = await library.database.query(`select count(*)::int from pg_locks where ${ADVISORY}`);
      expect(row).toEqual({ count: 1 });
    });
  });

  it('waits for a time of its own where more transactions delete at once than there are slots', async () => {
    await library.database.query(`insert into tag (name) values ('t')`);
    const others = await library.database.connect();
    await others.query('begin');
    await others.query('select pg_advisory_xact_lock(1936680564, slot) from generate_series(0, 999) as slot');
    const deletion = repo(Tag).softDelete(1);
    const isWaiting = async () => {
      const [row] = await library.database.query(
        `select count(*)::int from pg_locks where ${ADVISORY} and not granted`,
      );
      return row.count === 1;
    };
    while (!(await isWaiting())) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const [{ released }] = (await others.query('select clock_timestamp()::text as released')).rows;
    await others.query('commit');
    await others.end();
    expect(await deletion).toMatchObject({ total: 1 });
    expect(
      await library.database.query('select deleted_at > cast($1 as timestamptz) as later from tag', [released]),
    ).toEqual([{ later: true }]);
  });
});
