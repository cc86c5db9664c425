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
});
