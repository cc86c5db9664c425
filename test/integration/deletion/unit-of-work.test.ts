import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionRestrictedError } from 'nestjs-mikro-orm-soft-delete';
import {
  Account,
  Author,
  Book,
  Chapter,
  Draft,
  LIBRARY,
  LIBRARY_INDEXES,
  Loan,
  Note,
  Passport,
  Review,
  Tag,
} from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe('removing through the unit of work', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY);
    for (const index of LIBRARY_INDEXES) {
      await test.database.query(index);
    }
  });

  beforeEach(async () => {
    await test.database.query(
      'truncate author, book, chapter, draft, loan, review, note, passport, tag, account, book_tags restart identity cascade',
    );
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });

  afterAll(() => test.close());

  const rows = (table: string) => test.database.query(`select *, deleted_at::text as time from ${table} order by id`);
  const deleted = async (table: string) => (await rows(table)).map((row) => row.deleted_at !== null);

  /** One author with two books of one chapter each, a draft, a review, a note and a passport; tags on the first book. */
  async function plant(): Promise<void> {
    await test.database.query(`
      insert into author (name) values ('Ada'), ('Bob');
      insert into book (title, author_id) values ('one', 1), ('two', 1), ('other', 2);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 3);
      insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
      insert into review (text, author_id) values ('r1', 1);
      insert into note (text, author_id) values ('n1', 1);
      insert into passport (number, author_id) values ('P1', 1);
      insert into tag (name) values ('t1'), ('t2');
      insert into book_tags (book_id, tag_id) values (1, 1), (1, 2);
    `);
  }

  it('deletes a loaded entity and what its relations cascade to, to any depth, as one unit', async () => {
    await plant();
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    const times = new Set<string>();
    for (const table of ['author', 'book', 'chapter', 'draft', 'passport']) {
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

  it('keeps every other column, foreign key, pivot row and plain child, loaded or not', async () => {
    await plant();
    const before = {
      author: await rows('author'),
      book: await rows('book'),
      review: await rows('review'),
      pivot: await test.database.query('select * from book_tags'),
      note: await test.database.query('select * from note'),
    };
    em.remove(
      await em.findOneOrFail(Author, 1, {
        populate: ['books.chapters', 'books.tags', 'drafts', 'reviews', 'notes', 'passport'],
      }),
    );
    await em.flush();
    await em.flush();

    const except = (all: any[]) => all.map(({ deleted_at: _deletedAt, time: _time, ...row }) => row);
    expect(except(await rows('author'))).toEqual(except(before.author));
    expect(except(await rows('book'))).toEqual(except(before.book));
    expect(except(await rows('review'))).toEqual(except(before.review));
    expect(await test.database.query('select * from book_tags')).toEqual(before.pivot);
    expect(await test.database.query('select * from note')).toEqual(before.note);
  });

  it('deletes a bare reference without loading it, and leaves it a reference', async () => {
    await plant();
    const reference = em.getReference(Book, 1);
    em.remove(reference);
    await em.flush();

    expect(await deleted('book')).toEqual([true, false, false]);
    expect(await deleted('chapter')).toEqual([true, false, false]);
    expect(await em.findOne(Book, 1)).toBeNull();
    const again = await em.findOneOrFail(Book, 1, { filters: { softDelete: false } });
    expect(again.title).toBe('one');
    await em.flush();
    expect((await rows('book'))[0]).toMatchObject({ title: 'one', author_id: 1 });
  });

  it('leaves the time of a row that is deleted already, loaded or by reference', async () => {
    await plant();
    await test.database.query(`update book set deleted_at = '2020-01-02 03:04:05.678901+00' where id = 1`);
    em.remove(await em.findOneOrFail(Book, 1, { filters: { softDelete: false } }));
    await em.flush();
    const other = test.orm.em.fork();
    other.remove(other.getReference(Book, 1));
    await other.flush();

    expect((await rows('book'))[0].time).toBe('2020-01-02 03:04:05.678901+00');
    expect(await deleted('chapter')).toEqual([false, false, false]);
  });

  it('leaves the time that another manager has set meanwhile', async () => {
    await plant();
    const book = await em.findOneOrFail(Book, 1);
    await test.database.query(`update book set deleted_at = '2020-01-02 03:04:05.678901+00' where id = 1`);
    em.remove(book);
    await em.flush();

    expect((await rows('book'))[0].time).toBe('2020-01-02 03:04:05.678901+00');
    expect(book.deletedAt).toEqual(new Date('2020-01-02T03:04:05.678Z'));
  });

  it('frees a unique value for a row that the same flush inserts', async () => {
    await test.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
    em.remove(await em.findOneOrFail(Account, 1));
    em.create(Account, { email: 'a@b.c' });
    await em.flush();

    expect(await rows('account')).toMatchObject([
      { id: 1, email: 'a@b.c', version: 2, deleted_at: expect.any(Date) },
      { id: 2, email: 'a@b.c', version: 1, deleted_at: null },
    ]);
  });

  it('checks and bumps the version', async () => {
    await test.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
    const account = await em.findOneOrFail(Account, 1);
    await test.database.query('update account set version = 7');
    em.remove(account);
    await expect(em.flush()).rejects.toThrow(/optimistic lock/i);
    expect(await deleted('account')).toEqual([false]);

    const fresh = test.orm.em.fork();
    const current = await fresh.findOneOrFail(Account, 1);
    fresh.remove(current);
    await fresh.flush();
    expect(await rows('account')).toMatchObject([{ version: 8 }]);
    expect(current.version).toBe(8);
  });

  it('does not touch properties with onUpdate, in the database or in memory', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    em.remove(author);
    await em.flush();

    expect((await rows('author'))[0].updated_at).toBeNull();
    expect(author.updatedAt).toBeNull();
  });

  it('does not save other unsaved changes of what it deletes, now or later', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    author.name = 'changed';
    em.remove(author);
    await em.flush();
    expect((await rows('author'))[0]).toMatchObject({ name: 'Ada', deleted_at: expect.any(Date) });
    expect(author.name).toBe('Ada');

    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  });

  it('does nothing to an entity that is persisted again before the flush', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['reviews', 'books'] });
    em.remove(author);
    em.persist(author);
    await em.flush();

    expect(await deleted('author')).toEqual([false, false]);
    expect(await deleted('book')).toEqual([false, false, false]);
    expect((await rows('review'))[0].author_id).toBe(1);
  });

  it('refuses while an active row stands behind a restricting relation, and says how many', async () => {
    await plant();
    await test.database.query('insert into loan (author_id) values (1), (1), (2)');
    em.remove(await em.findOneOrFail(Author, 1));
    const flush = em.flush();
    await expect(flush).rejects.toThrow(DeletionRestrictedError);
    await expect(flush).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
      restrictions: [{ relation: 'Author.loans', entity: 'Loan', count: 2 }],
    });
    expect(await deleted('author')).toEqual([false, false]);
    expect(await deleted('book')).toEqual([false, false, false]);
  });

  it('is not restricted by rows that the same flush deletes or moves', async () => {
    await plant();
    await test.database.query('insert into loan (author_id) values (1), (1)');
    const [first, second] = await em.find(Loan, {}, { orderBy: { id: 1 } });
    em.remove(first!);
    second!.author = await em.findOneOrFail(Author, 2);
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    expect(await deleted('author')).toEqual([true, false]);
    expect(await deleted('loan')).toEqual([true, false]);
  });

  it('does not take along a child that the same flush moves away', async () => {
    await plant();
    const book = await em.findOneOrFail(Book, 1);
    book.author = await em.findOneOrFail(Author, 2);
    em.remove(await em.findOneOrFail(Author, 1));
    await em.flush();

    expect(await deleted('book')).toEqual([false, true, false]);
    expect((await rows('book'))[0].author_id).toBe(2);
  });

  describe('orphan removal', () => {
    it('soft-deletes what a loaded collection lets go, and keeps its foreign key', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
      author.drafts.remove(author.drafts[0]!);
      await em.flush();

      expect(await rows('draft')).toMatchObject([
        { author_id: 1, deleted_at: expect.any(Date) },
        { author_id: 1, deleted_at: null },
      ]);
      expect(author.drafts.getItems().map(({ id }) => id)).toEqual([2]);
      await em.flush();
      expect((await rows('draft')).map((row) => row.author_id)).toEqual([1, 1]);
    });

    it('soft-deletes everything that removeAll() of a loaded collection lets go', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['drafts'] });
      author.drafts.removeAll();
      await em.flush();
      expect(await rows('draft')).toMatchObject([
        { author_id: 1, deleted_at: expect.any(Date) },
        { author_id: 1, deleted_at: expect.any(Date) },
      ]);
    });

    it('soft-deletes what set() of an unloaded collection leaves out', async () => {
      await plant();
      await test.database.query(`insert into draft (title, author_id, deleted_at) values ('old', 1, '2020-01-01')`);
      const author = await em.findOneOrFail(Author, 1);
      author.drafts.set([em.getReference(Draft, 2), em.create(Draft, { title: 'new' })]);
      await em.flush();

      expect(await rows('draft')).toMatchObject([
        { id: 1, author_id: 1, deleted_at: expect.any(Date) },
        { id: 2, author_id: 1, deleted_at: null },
        { id: 3, author_id: 1, time: '2020-01-01 00:00:00+00' },
        { id: 4, author_id: 1, title: 'new', deleted_at: null },
      ]);
    });

    it('soft-deletes everything behind an unloaded collection on removeAll()', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1);
      author.drafts.removeAll();
      await em.flush();
      const all = await rows('draft');
      expect(all).toMatchObject([{ author_id: 1 }, { author_id: 1 }]);
      expect(all.every((row) => row.deleted_at !== null)).toBe(true);
    });

    it('replaces the other end of a one-to-one relation', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['passport'] });
      author.passport = em.create(Passport, { number: 'P2' });
      await em.flush();
      expect(await rows('passport')).toMatchObject([
        { number: 'P1', author_id: 1, deleted_at: expect.any(Date) },
        { number: 'P2', author_id: 1, deleted_at: null },
      ]);
      await em.flush();
      expect((await rows('passport')).map((row) => row.author_id)).toEqual([1, 1]);
      expect(author.passport?.number).toBe('P2');
    });

    it('replaces a one-to-one relation after its end was deleted, in the same manager and in a fresh one', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['passport'] });
      em.remove(author.passport!);
      await em.flush();
      author.passport = em.create(Passport, { number: 'P2' });
      await em.flush();
      const other = test.orm.em.fork();
      const again = await other.findOneOrFail(Author, 1, { populate: ['passport'] });
      expect(again.passport?.number).toBe('P2');
      again.passport = other.create(Passport, { number: 'P3' });
      await other.flush();
      expect(await rows('passport')).toMatchObject([
        { number: 'P1', author_id: 1, deleted_at: expect.any(Date) },
        { number: 'P2', author_id: 1, deleted_at: expect.any(Date) },
        { number: 'P3', author_id: 1, deleted_at: null },
      ]);
    });
  });

  describe('memory', () => {
    it('does not hand out what was deleted, and keeps references to it', async () => {
      await plant();
      const review = await em.findOneOrFail(Review, 1, { populate: ['author'] });
      const author = review.author!;
      em.remove(author);
      await em.flush();

      expect(await em.findOne(Author, 1)).toBeNull();
      expect(await em.findOne(Author, 1, { fields: ['name'] })).toBeNull();
      expect(await em.find(Author, {})).toHaveLength(1);
      expect(review.author).toBe(author);
      expect(await em.findOne(Author, 1, { filters: { softDelete: false } })).toBe(author);
      expect(await em.findOne(Author, 1)).toBeNull();
      review.text = 'still';
      await em.flush();
      expect(await rows('review')).toMatchObject([{ text: 'still', author_id: 1 }]);
    });

    it('takes deleted entities out of loaded collections', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
      em.remove(author.books[0]!);
      await em.flush();
      expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
    });

    it('takes deleted entities out of many-to-many collections and keeps the pivot rows', async () => {
      await plant();
      const book = await em.findOneOrFail(Book, 1, { populate: ['tags'] });
      em.remove(book.tags[0]!);
      await em.flush();
      expect(book.tags.getItems().map(({ id }) => id)).toEqual([2]);
      book.tags.add(em.create(Tag, { name: 't3' }));
      await em.flush();
      expect(await test.database.query('select tag_id from book_tags where book_id = 1 order by 1')).toEqual([
        { tag_id: 1 },
        { tag_id: 2 },
        { tag_id: 3 },
      ]);
    });

    it('marks cascaded entities that are managed', async () => {
      await plant();
      const chapter = await em.findOneOrFail(Chapter, 1);
      em.remove(em.getReference(Author, 1));
      await em.flush();
      expect(chapter.deletedAt).toBeInstanceOf(Date);
      expect(await em.findOne(Chapter, 1)).toBeNull();
    });

    it('looks as the database does after a failed flush', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
      const book = author.books[0]!;
      em.remove(book);
      em.create(Account, { email: 'same' });
      em.create(Account, { email: 'same' });
      await expect(em.flush()).rejects.toThrow(/account_email/);

      expect(await deleted('book')).toEqual([false, false, false]);
      expect(book.deletedAt ?? null).toBeNull();
      expect(author.books.contains(book)).toBe(true);
      em.clear();
    });

    it('looks as the database does after the surrounding transaction rolled back', async () => {
      await plant();
      const author = await em.findOneOrFail(Author, 1, { populate: ['books.chapters', 'reviews'] });
      const chapter = author.books[0]!.chapters[0]!;
      await expect(
        em.transactional(async (tx) => {
          tx.remove(author);
          await tx.flush();
          expect(author.deletedAt).toBeInstanceOf(Date);
          throw new Error('no');
        }),
      ).rejects.toThrow('no');

      expect(await deleted('author')).toEqual([false, false]);
      expect(author.deletedAt ?? null).toBeNull();
      expect(chapter.deletedAt ?? null).toBeNull();
      expect(author.books).toHaveLength(2);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
      em.remove(author);
      await em.flush();
      expect(await deleted('author')).toEqual([true, false]);
      expect(await deleted('chapter')).toEqual([true, true, false]);
    });

    it('takes back only what a savepoint had deleted when that rolls back', async () => {
      await plant();
      const [one, two] = await em.find(Book, { author: 1 }, { orderBy: { id: 1 } });
      await em.transactional(async (tx) => {
        tx.remove(one!);
        await tx.flush();
        await tx
          .transactional(async (inner) => {
            inner.remove(two!);
            await inner.flush();
            throw new Error('inner');
          })
          .catch(() => undefined);
      });
      expect(await deleted('book')).toEqual([true, false, false]);
      expect(one!.deletedAt).toBeInstanceOf(Date);
      expect(two!.deletedAt ?? null).toBeNull();
    });

    it('keeps references and later flushes correct after em.refresh() of a deleted entity', async () => {
      await plant();
      const review = await em.findOneOrFail(Review, 1, { populate: ['author'] });
      const author = review.author!;
      em.remove(author);
      await em.flush();
      expect(await em.refresh(author)).toBeNull();
      review.text = 'again';
      await em.flush();
      expect(await rows('review')).toMatchObject([{ text: 'again', author_id: 1 }]);
    });
  });

  it('aborts the transaction that it is refused in, so that half a deletion cannot be committed', async () => {
    await plant();
    await test.database.query('insert into loan (author_id) values (1)');
    await expect(
      em.transactional(async (tx) => {
        tx.remove(await tx.findOneOrFail(Author, 1));
        await tx.flush().catch(() => undefined);
        await tx.find(Author, {});
      }),
    ).rejects.toThrow(/aborted/);
    expect(await deleted('author')).toEqual([false, false]);
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

  it.each([1, 100, 10_000])('removes %i entities in the statements of a hard delete and one more', async (n) => {
    await test.database.query(`insert into tag (name) select 't' from generate_series(1, ${n})`);
    await test.database.query(`insert into note (text) select 'n' from generate_series(1, ${n})`);
    const notes = await em.find(Note, {});
    test.statements.length = 0;
    notes.forEach((note) => em.remove(note));
    await em.flush();
    const hard = test.statements.length;

    const tags = await em.find(Tag, {});
    test.statements.length = 0;
    tags.forEach((tag) => em.remove(tag));
    await em.flush();
    expect(test.statements.length).toBeLessThanOrEqual(hard + 1);
    expect(await test.database.query('select count(*)::int from tag where deleted_at is null')).toEqual([{ count: 0 }]);
  });
});
