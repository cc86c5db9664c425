import type { EntityManager } from '@mikro-orm/postgresql';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Chapter } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

class RolledBack extends Error {}

/** A transaction that is rolled back leaves its entities in the collections that it was the first to load, and nobody manages them. */
describe(installSoftDelete.name, () => {
  const library = useLibrary();
  const rolledBack = (work: (em: EntityManager) => Promise<unknown>, em = library.em) =>
    expect(
      em.transactional(async (tx) => {
        await work(tx as EntityManager);
        throw new RolledBack();
      }),
    ).rejects.toThrow(RolledBack);
  const RELATIONS = { populate: ['books.chapters', 'passport', 'drafts'] } as never;
  let author: Author;

  const LOADS: Record<string, () => Promise<unknown>> = {
    'a transaction': () => rolledBack((tx) => tx.findOneOrFail(Author, 1, RELATIONS)),
    'a savepoint of a transaction that is committed': () =>
      library.em.transactional((outer) =>
        rolledBack((tx) => tx.findOneOrFail(Author, 1, RELATIONS), outer as EntityManager),
      ),
    'a transaction that has deleted them': () =>
      rolledBack(async (tx) => {
        await tx.findOneOrFail(Author, 1, RELATIONS);
        await library.repo(Author, tx).softDelete(1);
      }),
  };

  describe.each(Object.keys(LOADS))('after the rollback of %s', (name) => {
    let books: readonly Book[];
    let chapter: Chapter;

    beforeEach(async () => {
      await library.plant();
      author = await library.em.findOneOrFail(Author, 1);
      await LOADS[name]!();
      books = author.books.getItems();
      chapter = books[0]!.chapters[0]!;
      expect(books.map(({ id }) => id)).toEqual([1, 2]);
      expect(library.em.getUnitOfWork().getById(Book, 1)).toBeUndefined();
    });

    const isDeleted = (entity: object) => (entity as Book).deletedAt != null;
    const nothingToWrite = async () => {
      library.statements.length = 0;
      await library.em.flush();
      expect(library.statements).toEqual([]);
    };

    it('tells the members of loaded collections what softDelete() has done to them', async () => {
      await library.repo(Book).softDelete(1);
      expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
      expect(books.map(isDeleted)).toEqual([true, false]);
      expect(isDeleted(chapter)).toBe(true);
      const [{ at }] = await library.database.query('select deleted_at as at from book where id = 1');
      expect(books[0]!.deletedAt).toEqual(at);
      await nothingToWrite();
    });

    it('tells them what a cascade has done', async () => {
      await library.repo(Author).softDelete(1);
      expect(books.map(isDeleted)).toEqual([true, true]);
      expect(isDeleted(chapter)).toBe(true);
      expect(author.books.getItems()).toEqual([]);
      await nothingToWrite();
    });

    it('tells them what a flush has done', async () => {
      library.em.remove(author);
      await library.em.flush();
      expect(books.map(isDeleted)).toEqual([true, true]);
      expect(isDeleted(chapter)).toBe(true);
      await nothingToWrite();
    });

    it('puts members back that are restored', async () => {
      await library.repo(Book).softDelete(1);
      await library.repo(Book).restore(1);
      expect(
        author.books
          .getItems()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([1, 2]);
      expect(author.books.getItems().some(isDeleted)).toBe(false);
      expect(books.map(isDeleted)).toEqual([false, false]);
      expect(isDeleted(chapter)).toBe(false);
      await nothingToWrite();
      expect(await library.deleted('book')).toEqual([false, false, false]);
    });

    it('takes members out that were removed for good', async () => {
      await library.repo(Book).hardDelete(1);
      expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
      await nothingToWrite();
    });

    it('gives them back after a second rollback', async () => {
      await rolledBack((tx) => library.repo(Book, tx).softDelete(1));
      expect(
        author.books
          .getItems()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([1, 2]);
      expect(books.map(isDeleted)).toEqual([false, false]);
      await nothingToWrite();
    });

    it('tells both entities of a row that was read again', async () => {
      const again = await library.em.findOneOrFail(Book, 1);
      await library.repo(Book).softDelete(1);
      expect([again, books[0]!].map(isDeleted)).toEqual([true, true]);
      expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
    });
  });
});
