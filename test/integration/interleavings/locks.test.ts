import { IsolationLevel } from '@mikro-orm/core';
import type { Client } from 'pg';
import { DeletionRestrictedError, RestoreConflictError } from 'nestjs-mikro-orm-soft-delete';
import { untilBlocked } from '../../support/blocked.js';
import { Author, Book, Chapter, Draft, Loan, Review } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('decided under the lock', () => {
  const library = useLibrary();
  let other: Client;

  beforeEach(async () => {
    await library.plant();
    other = await library.database.connect();
  });

  afterEach(() => other.end());

  /** Starts an operation while another session has written something, which it commits, or not, once the operation waits. */
  async function during<Result>(
    written: string,
    operation: () => Promise<Result>,
    end: 'commit' | 'rollback' = 'commit',
  ): Promise<Result> {
    await other.query(`begin; ${written}`);
    const done = operation();
    done.catch(() => undefined);
    let waited = true;
    void done.finally(() => (waited = false)).catch(() => undefined);
    await untilBlocked(library.database, done);
    expect(waited).toBe(true);
    await other.query(end);
    return done;
  }

  const repo = <Entity extends object>(entity: new () => Entity) => library.repo(entity, library.fork());
  const remove = async (entity: new () => any, id: number) => {
    const em = library.fork();
    em.remove(await em.findOneOrFail(entity, id));
    await em.flush();
  };

  describe('a row that changes meanwhile', () => {
    const DELETED = { deletedAt: { $ne: null } };

    beforeEach(async () => {
      await library.database.query('delete from review; delete from draft; delete from note');
    });

    it('is not removed by hardDelete() once it is restored', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      const removed = await during('update chapter set deleted_at = null where id = 1', () =>
        repo(Chapter).hardDelete(DELETED),
      );
      expect(removed).toBe(2);
      expect(await library.rows('chapter')).toMatchObject([{ id: 1, time: null }]);
    });

    it('is removed if its restoration does not last', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      const removed = await during(
        'update chapter set deleted_at = null where id = 1',
        () => repo(Chapter).hardDelete(DELETED),
        'rollback',
      );
      expect(removed).toBe(3);
    });

    it('is removed by hardDelete() of its key, whatever it is', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      await during('update chapter set deleted_at = null where id = 1', () => repo(Chapter).hardDelete([1, 2]));
      expect(await library.rows('chapter')).toMatchObject([{ id: 3 }]);
    });

    it.each(['softDelete', 'nativeDelete'] as const)(
      'is not deleted by %s() once it does not match',
      async (method) => {
        await during<unknown>("update chapter set title = 'published' where id = 1", () =>
          repo(Chapter)[method]({ title: { $like: 'c%' } }),
        );
        expect(await library.deleted('chapter')).toEqual([false, true, true]);
      },
    );

    it('is not deleted twice', async () => {
      const result = await during("update chapter set deleted_at = '2020-01-01' where id = 1", () =>
        repo(Chapter).softDelete([1, 2]),
      );
      expect(result.total).toBe(1);
      expect((await library.rows('chapter'))[0].deleted_at).toEqual(new Date('2020-01-01'));
    });

    it('is not restored twice', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      const result = await during('update chapter set deleted_at = null where id = 1', () =>
        repo(Chapter).restore([1, 2]),
      );
      expect(result.total).toBe(1);
    });

    it('is not restored once it is removed', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      const result = await during('delete from chapter where id = 1', () => repo(Chapter).restore([1, 2]));
      expect(result.total).toBe(1);
      expect(await library.deleted('chapter')).toEqual([false, true]);
    });

    it('is not restored once it does not match', async () => {
      await library.database.query("update chapter set deleted_at = '2020-01-01'");
      await during("update chapter set title = 'locked away' where id = 1", () =>
        repo(Chapter).restore({ title: { $like: 'c%' } }),
      );
      expect(await library.deleted('chapter')).toEqual([true, false, false]);
    });

    it('comes back with the unit that it belongs to by then', async () => {
      await repo(Book).softDelete(1);
      const result = await during(
        "update book set deleted_at = '2020-01-01' where id = 1; update chapter set deleted_at = null where id = 1",
        () => repo(Book).restore(1),
      );
      expect(result).toEqual({ affected: { Book: 1 }, total: 1 });
    });
  });

  describe('a related row that changes meanwhile', () => {
    const FIRST = { books: { title: 'one' } };
    // The row that is asked for is locked, and what decides about it changes.
    const CHANGE = "update author set name = name; update book set title = 'another' where id = 1";

    beforeEach(async () => {
      await library.database.query(`
        delete from review; delete from draft; delete from note; insert into book (title, author_id) values ('one', 2)`);
    });

    it('decides about softDelete()', async () => {
      await during(CHANGE, () => repo(Author).softDelete(FIRST));
      expect(await library.deleted('author')).toEqual([false, true]);
    });

    it('decides about hardDelete()', async () => {
      await during(CHANGE, () => repo(Author).hardDelete(FIRST));
      expect(await library.rows('author')).toMatchObject([{ id: 1 }]);
    });

    it('decides about restore()', async () => {
      await repo(Author).softDelete({});
      await during(CHANGE, () => repo(Author).restore(FIRST));
      expect(await library.deleted('author')).toEqual([true, false]);
    });

    it('decides, however often it is negated', async () => {
      await during("update author set name = name; update book set title = 'none' where title = 'other'", () =>
        repo(Author).softDelete({ books: { $none: { title: 'none' } } }),
      );
      expect(await library.deleted('author')).toEqual([true, false]);
    });
  });

  describe.each(['softDelete()', 'em.remove()'])('%s', (door) => {
    const deleteRow = (entity: new () => any, id: number): Promise<unknown> =>
      door === 'em.remove()' ? remove(entity, id) : repo(entity).softDelete(id);

    it('waits for a row that is inserted behind a restrict relation, and is refused', async () => {
      await expect(during('insert into loan (author_id) values (1)', () => deleteRow(Author, 1))).rejects.toThrow(
        DeletionRestrictedError,
      );
      expect(await library.deleted('author')).toEqual([false, false]);
      expect(await library.deleted('book')).toEqual([false, false, false]);
    });

    it('goes on if that row is not kept', async () => {
      await during('insert into loan (author_id) values (1)', () => deleteRow(Author, 1), 'rollback');
      expect(await library.deleted('author')).toEqual([true, false]);
    });

    it('waits for a row that moves behind a restrict relation', async () => {
      await library.database.query('insert into loan (author_id) values (2)');
      await expect(during('update loan set author_id = 1', () => deleteRow(Author, 1))).rejects.toThrow(
        DeletionRestrictedError,
      );
    });

    it('waits for a row that is inserted behind a cascade relation, and takes it along', async () => {
      await during("insert into book (title, author_id) values ('new', 1)", () => deleteRow(Author, 1));
      expect(await library.deleted('book')).toEqual([true, true, false, true]);
      expect(new Set((await library.rows('book')).map(({ time }) => time)).size).toBe(2);
    });

    it('waits for a row that is inserted further down', async () => {
      await during("insert into chapter (title, book_id) values ('new', 1)", () => deleteRow(Author, 1));
      expect(await library.deleted('chapter')).toEqual([true, true, false, true]);
    });

    it('waits for a row that is being restored behind it', async () => {
      await library.database.query("update book set deleted_at = '2020-01-01' where id = 1");
      const em = library.fork();
      await em.begin();
      await library.repo(Book, em).restore(1);
      const deletion = deleteRow(Author, 1);
      await untilBlocked(library.database, deletion);
      await em.commit();
      await deletion;
      expect(await library.deleted('book')).toEqual([true, true, false]);
      expect(new Set((await library.rows('book')).slice(0, 2).map(({ time }) => time)).size).toBe(1);
    });

    it('keeps a row from being inserted behind what it deletes', async () => {
      const em = library.fork();
      await em.begin();
      if (door === 'em.remove()') {
        em.remove(await em.findOneOrFail(Author, 1));
        await em.flush();
      } else {
        await library.repo(Author, em).softDelete(1);
      }
      const insert = other.query("insert into chapter (title, book_id) values ('late', 1)");
      await untilBlocked(library.database, insert);
      expect(await library.database.query("select from chapter where title = 'late'")).toEqual([]);
      await em.rollback();
      await insert;
      expect(await library.deleted('chapter')).toEqual([false, false, false, false]);
    });

    it('does not wait for rows behind relations that it leaves alone', async () => {
      await other.query("begin; insert into chapter (title, book_id) values ('other', 3)");
      await deleteRow(Chapter, 1);
      await deleteRow(Draft, 1);
      await deleteRow(Review, 1);
      await other.query('rollback');
    });
  });

  describe('restore()', () => {
    beforeEach(async () => {
      await library.database.query("update book set deleted_at = '2020-01-01' where id = 1");
    });

    it.each([
      ['commit', [true, true, false]],
      ['rollback', [false, false, false]],
    ] as const)('waits for a parent that is being deleted, which ends in a %s', async (end, deleted) => {
      const em = library.fork();
      await em.begin();
      await library.repo(Author, em).softDelete(1);
      const restoration = repo(Book).restore(1);
      await untilBlocked(library.database, restoration);
      await em[end]();
      if (end === 'commit') {
        const error = await restoration.catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(RestoreConflictError);
        expect((error as RestoreConflictError).conflicts).toMatchObject([
          { reason: 'parent-deleted', entity: 'Book', key: 1, conflictingKey: 1 },
        ]);
      } else {
        expect((await restoration).total).toBe(1);
      }
      expect(await library.deleted('book')).toEqual(deleted);
    });

    it.each([
      ['commit', 1],
      ['rollback', 0],
    ] as const)('waits for a parent that is being restored, which ends in a %s', async (end, total) => {
      await repo(Author).softDelete(1);
      const em = library.fork();
      await em.begin();
      await library.repo(Author, em).restore(1);
      const restoration = repo(Book).restore(1);
      restoration.catch(() => undefined);
      await untilBlocked(library.database, restoration);
      await em[end]();
      const result = await restoration.catch((error: unknown) => error);
      expect(result).toEqual(total === 1 ? { affected: { Book: 1 }, total: 1 } : expect.any(RestoreConflictError));
    });

    it('with its parents leaves a parent alone that is restored meanwhile', async () => {
      await repo(Author).softDelete(1);
      const em = library.fork();
      await em.begin();
      await library.repo(Author, em).restore(1);
      const restoration = repo(Book).restore(1, { withParents: true });
      await untilBlocked(library.database, restoration);
      await em.commit();
      expect(await restoration).toEqual({ affected: { Book: 1 }, total: 1 });
      expect(await library.deleted('author')).toEqual([false, false]);
    });

    it('lets restorations beside it under one active parent pass', async () => {
      await library.database.query("update book set deleted_at = '2020-01-02' where id = 2");
      const em = library.fork();
      await em.begin();
      await library.repo(Book, em).restore(1);
      expect((await repo(Book).restore(2)).total).toBe(1);
      await em.commit();
      expect(await library.deleted('book')).toEqual([false, false, false]);
    });
  });

  it('removes nothing behind which a row is being inserted', async () => {
    await library.database.query('delete from review; delete from note; delete from draft');
    await expect(
      during('insert into review (text, author_id) values ($$r$$, 1)', () => repo(Author).hardDelete(1)),
    ).rejects.toThrow(DeletionRestrictedError);
    expect(await library.rows('author')).toHaveLength(2);
  });

  describe.each([IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])('%s', (isolationLevel) => {
    const CALLS: [string, (em: ReturnType<typeof library.fork>) => Promise<unknown>][] = [
      ['softDelete', (em) => library.repo(Chapter, em).softDelete({ title: { $like: 'c%' } })],
      ['restore', (em) => library.repo(Draft, em).restore({})],
      ['hardDelete', (em) => library.repo(Chapter, em).hardDelete({})],
      ['softDelete by a relation', (em) => library.repo(Chapter, em).softDelete({ book: { author: { name: 'Ada' } } })],
      ['nativeDelete', (em) => library.repo(Chapter, em).nativeDelete([1, 2] as never)],
    ];

    it.each(CALLS)('hands on that %s() cannot be serialised, with nothing half done', async (_name, call) => {
      await library.database.query("update draft set deleted_at = '2020-01-01'");
      const em = library.fork();
      const before = await library.contents();
      await expect(
        em.transactional(
          async (tx) => {
            await tx.execute('select 1 from chapter');
            await library.database.query(
              "update chapter set title = 'c' where id = 1; update draft set title = 'd' where id = 1",
            );
            await call(tx as typeof em);
          },
          { isolationLevel },
        ),
      ).rejects.toMatchObject({ code: '40001' });
      await library.database.query(
        "update chapter set title = 'c1' where id = 1; update draft set title = 'd1' where id = 1",
      );
      expect(await library.contents()).toEqual(before);
      expect(await library.deleted('chapter')).toEqual([false, false, false]);
    });
  });

  it('locks no more than the statements say', async () => {
    library.statements.length = 0;
    await repo(Loan).softDelete({});
    expect(library.statements.filter((sql) => sql.includes('for update'))).toEqual([]);
  });
});
