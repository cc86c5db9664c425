import type { EntityManager } from '@mikro-orm/postgresql';
import { Account, Author, Book, Chapter, Passport, Review, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('I7: memory tells the truth', () => {
  const library = useLibrary();
  const { fork, repo, rows, deleted, plant } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

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
    expect(await library.database.query('select tag_id from book_tags where book_id = 1 order by 1')).toEqual([
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

  it('marks managed entities and takes them out of loaded collections', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['books.chapters'] });
    const [one] = author.books.getItems();
    await repo(Book).softDelete({ title: 'one' });
    expect(one!.deletedAt).toBeInstanceOf(Date);
    expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
    expect(await em.findOne(Book, 1)).toBeNull();
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('shows restored rows in collections that were loaded before', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['books.chapters'] });
    const [one, two] = author.books.getItems();
    await repo(Book).softDelete([1, 2]);
    expect(author.books).toHaveLength(0);
    await repo(Book).restore([1, 2]);
    expect(new Set(author.books.getItems()).has(one!) && author.books.contains(two!)).toBe(true);
    expect(one!.deletedAt).toBeNull();
    expect(await em.findOne(Book, 1)).toBe(one);
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('shows restored rows that were never loaded in collections that were', async () => {
    await plant();
    await repo(Book).softDelete(1);
    const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
    expect(author.books).toHaveLength(1);
    await repo(Book).restore(1);
    await author.books.load();
    expect(
      author.books
        .getItems()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([1, 2]);
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('keeps the version of managed entities in step', async () => {
    await library.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
    const account = await em.findOneOrFail(Account, 1);
    await repo(Account).softDelete(1);
    expect(account.version).toBe(2);
    await repo(Account).restore(1);
    expect(account.version).toBe(3);
    account.email = 'd@e.f';
    await em.flush();
    expect(await rows('account')).toMatchObject([{ email: 'd@e.f', version: 4, deleted_at: null }]);
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
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
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

  it('leaves memory as it was when the surrounding transaction rolls back', async () => {
    await plant();
    await repo(Author).softDelete(1);
    const author = await repo(Author).withDeleted().findOneOrFail(1);
    await expect(
      em.transactional(async (tx) => {
        await repo(Author, tx as EntityManager).restore(1);
        expect(author.deletedAt).toBeNull();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(author.deletedAt).toBeInstanceOf(Date);
    expect(await em.findOne(Author, 1)).toBeNull();
  });

  it('does not resurrect a row through a manager that does not know that it was deleted', async () => {
    await library.database.query(
      `insert into author (name) values ('Ada'); insert into book (title, author_id) values ('one', 1)`,
    );
    const stale = fork();
    const book = await stale.findOneOrFail(Book, 1);
    await repo(Book, fork()).softDelete(1);
    book.title = 'changed';
    await stale.flush();
    const [row] = await library.database.query('select deleted_at is not null as deleted from book');
    expect(row).toEqual({ deleted: true });
  });

  it('reads a deleted entity anew on em.refresh(), hands out none, and keeps the references to it', async () => {
    await plant();
    const review = await em.findOneOrFail(Review, 1, { populate: ['author'] });
    const author = review.author!;
    await repo(Author, fork()).softDelete(1);
    expect(await em.refresh(author)).toBeNull();
    expect(author.deletedAt).toBeInstanceOf(Date);
    expect(review.author).toBe(author);
    expect(await em.findOne(Author, 1)).toBeNull();
    await expect(em.refreshOrFail(author)).rejects.toThrow(/Author not found/);
    review.text = 'again';
    await em.flush();
    expect(await rows('review')).toMatchObject([{ text: 'again', author_id: 1 }]);

    await repo(Author, fork()).restore(1);
    expect(await em.refresh(author, { populate: ['books'] })).toBe(author);
    expect(author.deletedAt).toBeNull();
    expect(author.books).toHaveLength(2);
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('forgets an entity whose row is gone on em.refresh()', async () => {
    await plant();
    const tag = await em.findOneOrFail(Tag, 1);
    await repo(Tag, fork()).hardDelete(1);
    expect(await em.refresh(tag)).toBeNull();
    expect(em.getUnitOfWork().getById(Tag, 1 as never)).toBeUndefined();
  });

  it('learns what a transaction with an identity map of its own deletes and restores', async () => {
    await plant();
    const author = await em.findOneOrFail(Author, 1, { populate: ['books', 'passport'] });
    const doors: ((tx: EntityManager) => Promise<unknown>)[] = [
      (tx: EntityManager) => repo(Author, tx).softDelete(1),
      (tx: EntityManager) => tx.remove(tx.getReference(Author, 1)).flush(),
    ];
    for (const remove of doors) {
      await em.transactional((tx) => remove(tx as EntityManager), { clear: true });
      expect(author.deletedAt).toBeInstanceOf(Date);
      expect(author.books).toHaveLength(0);
      expect(await em.findOne(Author, 1)).toBeNull();

      await em.transactional((tx) => repo(Author, tx as EntityManager).restore(1), { clear: true });
      expect(await em.findOne(Author, 1)).toBe(author);
      expect(author.books).toHaveLength(2);
      expect(author.passport).toBeTruthy();

      const failing = em.transactional(
        async (tx) => {
          await remove(tx as EntityManager);
          expect(author.deletedAt).toBeInstanceOf(Date);
          throw new Error('no');
        },
        { clear: true },
      );
      await expect(failing).rejects.toThrow('no');
      expect(author.deletedAt).toBeNull();
      expect(author.books).toHaveLength(2);
    }
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
    await em.transactional((tx) => repo(Passport, tx as EntityManager).hardDelete(1), { clear: true });
    expect(await em.findOne(Passport, 1)).toBeNull();
  });
});
