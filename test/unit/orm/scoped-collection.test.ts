import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { ScopedCollection } from '../../../lib/orm/loading/scoped-collection.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: p.integer().primary(),
      books: () => p.oneToMany(Book).mappedBy('author'),
      deletedAt: deletedAt(),
    },
  }),
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: { id: p.integer().primary(), author: () => p.manyToOne(Author).nullable(), deletedAt: deletedAt() },
  }),
);

describe(ScopedCollection, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book], extensions: [softDelete()] });
  const NOW = new Date('2026-01-01');

  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object) =>
      em.merge(entity as never, { deletedAt: null, ...data } as never) as any;
    const author = load(Author, {
      id: 1,
      books: [
        { id: 1, author: 1, deletedAt: null },
        { id: 2, author: 1, deletedAt: null },
      ],
    });
    const books = author.books as ScopedCollection<any>;
    expect(books).toBeInstanceOf(ScopedCollection);
    const isOutdated = () => books.isOutOfScope('with', getInstallation(em as never));
    return { em, load, author, books, isOutdated };
  }

  it('is read again under a wider scope, if it has no unsaved changes', () => {
    const { books, isOutdated } = start();
    expect([books.isDirty(), isOutdated()]).toEqual([false, true]);
  });

  it.each<[string, object]>([
    ['of nobody', { author: null }],
    ['of another author', { author: 2 }],
  ])('is not read again while it has a book that was %s', (_, saved) => {
    const { load, books, isOutdated } = start();
    books.add(load(Book, { id: 3, ...saved }));
    expect([isOutdated(), books.isDirty(), books.length]).toEqual([false, true, 3]);
  });

  it('is not read again while it has a book that was never saved', () => {
    const { em, books, isOutdated } = start();
    books.add(em.create(Book, { id: 3 } as never, { persist: false }));
    expect([isOutdated(), books.isDirty(), books.length]).toEqual([false, true, 3]);
  });

  it('is not read again while a book has left that was not deleted', () => {
    const { books, isOutdated } = start();
    books.remove(books.getItems(false)[0]);
    expect([isOutdated(), books.isDirty(), books.length]).toEqual([false, true, 1]);
  });

  it('has no unsaved changes any more once those of its books are saved', () => {
    const { books, load, isOutdated } = start();
    const other = load(Book, { id: 3, author: 1 });
    books.set([...books.getItems(false), other]);
    books.setDirty(true);
    expect([isOutdated(), books.isDirty()]).toEqual([true, false]);
  });

  it('has no unsaved changes where what has left is deleted', () => {
    const { books, isOutdated } = start();
    const [book] = books.getItems(false);
    books.remove(book);
    book.deletedAt = NOW;
    expect([isOutdated(), books.isDirty(), books.length]).toEqual([true, false, 1]);
  });

  it('lets go of deleted rows that a wider scope has shown', () => {
    const { em, books } = start();
    const installation = getInstallation(em as never);
    books.wasReadUnder('with');
    const [book, other] = books.getItems(false);
    book.deletedAt = NOW;
    expect(books.isOutOfScope('with', installation)).toBe(false);
    expect(books.isOutOfScope('active', installation)).toBe(true);
    books.showActive(installation);
    expect(books.getItems(false)).toEqual([other]);
    expect(books.isDirty()).toBe(false);
    expect(books.isOutOfScope('active', installation)).toBe(false);
    expect(books.isOutOfScope('with', installation)).toBe(true);
  });

  describe('leaves out a deleted row that came into memory by itself', () => {
    function withDeleted() {
      const started = start();
      const [book, other] = started.books.getItems(false);
      book.deletedAt = NOW;
      return { ...started, book, other };
    }

    it('where it shows active rows, which is no change', () => {
      const { books, book, other } = withDeleted();
      books.leaveOut(book);
      expect([books.getItems(false), books.isDirty(), books.getSnapshot()]).toEqual([[other], false, [other]]);
    });

    it('where it is just being read under the scope of active rows', () => {
      const { books, book, other } = withDeleted();
      books.isReadUnder('active');
      books.leaveOut(book);
      expect(books.getItems(false)).toEqual([other]);
    });

    it.each(['with', 'only'] as const)('but not where it shows deleted rows: %s', (scope) => {
      const { books, book } = withDeleted();
      books.wasReadUnder(scope);
      books.leaveOut(book);
      expect(books.contains(book, false)).toBe(true);
      const second = withDeleted();
      second.books.isReadUnder(scope);
      second.books.leaveOut(second.book);
      expect(second.books.contains(second.book, false)).toBe(true);
    });

    it('but not where somebody has put it there, whose changes stay', () => {
      const { em, books, book, other } = withDeleted();
      const unsaved = em.create(Book, { id: 3 } as never, { persist: false });
      books.add(unsaved);
      books.leaveOut(book);
      expect(books.contains(book, false)).toBe(true);
      other.deletedAt = NOW;
      const late: any = em.merge(Book, { id: 4, author: null, deletedAt: NOW } as never);
      books.add(late);
      books.leaveOut(late);
      expect([books.contains(late, false), books.contains(unsaved, false), books.isDirty()]).toEqual([
        false,
        true,
        true,
      ]);
    });

    it('and cares for no other row', () => {
      const { load, books, book, other } = withDeleted();
      books.leaveOut(load(Book, { id: 9, author: null, deletedAt: NOW }));
      expect(books.getItems(false)).toEqual([book, other]);
    });
  });

  describe('lets go of rows', () => {
    const ids = (books: any) => books.getItems(false).map(({ id }: any) => id);

    it('many at once, in the order of what remains, and no longer holds all of them', () => {
      const { load, books, isOutdated } = start();
      const more = [3, 4, 5].map((id) => load(Book, { id, author: 1 }));
      books.hydrate([...books.getItems(false), ...more]);
      books.takeSnapshot();
      books.wasReadUnder('with');
      expect(isOutdated()).toBe(false);
      books.removeManyWithoutPropagation([books.getItems(false)[1], more[1]]);
      books.takeSnapshot();
      expect([ids(books), books.isDirty(), isOutdated()]).toEqual([[1, 3, 5], false, true]);
      expect(more[1].author.id).toBe(1);
    });

    it('one by one where it has unsaved changes, which stay', () => {
      const { em, books } = start();
      books.add(em.create(Book, { id: 3 } as never, { persist: false }));
      books.removeManyWithoutPropagation(books.getItems(false).slice(0, 2));
      expect([ids(books), books.isDirty()]).toEqual([[3], true]);
      expect(books.getSnapshot()?.map(({ id }: any) => id)).toEqual([1, 2]);
    });

    it('one by one where it holds a part, which nobody may empty', () => {
      const { books } = start();
      books.hydrate(books.getItems(false), false, false, true);
      expect(books.holdsPart).toBe(true);
      books.removeManyWithoutPropagation(books.getItems(false));
      expect(ids(books)).toEqual([]);
    });
  });
});
