import { type Collection, defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { markDeleted } from '../../../lib/memory/managed-entities.js';

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
    properties: {
      id: p.integer().primary(),
      author: () => p.manyToOne(Author).nullable(),
      tags: () => p.manyToMany(Tag).owner(),
      deletedAt: deletedAt(),
    },
  }),
);
const Tag = softDeletable(
  defineEntity({ name: 'Tag', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);

describe(markDeleted, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book, Tag], extensions: [softDelete()] });
  const NOW = new Date('2026-01-01');

  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object) => em.merge(entity as never, data as never) as any;
    const remove = (entity: unknown, ...rows: object[]) => {
      const entry = getInstallation(em as never).catalog.get(em.getMetadata().get(entity as never) as never);
      return markDeleted(em as never, entry, new Map(rows.map((row) => [row, { deletedAt: NOW }])));
    };
    return { em, load, remove };
  }
  const ids = (collection: Collection<any>) => collection.getItems(false).map(({ id }) => id);

  it('takes rows out of loaded collections, which stay unchanged, and puts them back', () => {
    const { load, remove } = start();
    const author = load(Author, {
      id: 1,
      deletedAt: null,
      books: [
        { id: 1, deletedAt: null },
        { id: 2, deletedAt: null },
      ],
    });
    const undo = remove(Book, author.books[0]);
    expect([ids(author.books), author.books.isDirty()]).toEqual([[2], false]);
    undo();
    expect([ids(author.books).toSorted(), author.books.isDirty()]).toEqual([[1, 2], false]);
  });

  it('takes a row out of a collection that has unsaved changes, which stay', () => {
    const { em, load, remove } = start();
    const author = load(Author, { id: 1, deletedAt: null, books: [{ id: 1, deletedAt: null }] });
    author.books.add(em.create(Book, { id: 5, author } as never, { persist: false }));
    remove(Book, author.books[0]);
    expect([ids(author.books), author.books.isDirty()]).toEqual([[5], true]);
  });

  it('takes a row out of a loaded many-to-many collection', () => {
    const { load, remove } = start();
    const book = load(Book, {
      id: 1,
      deletedAt: null,
      tags: [
        { id: 1, deletedAt: null },
        { id: 2, deletedAt: null },
      ],
    });
    remove(Tag, book.tags[0]);
    expect([ids(book.tags), book.tags.isDirty()]).toEqual([[2], false]);
  });

  it('leaves a many-to-many collection with unsaved changes alone: the next flush would delete the link', () => {
    const { load, remove } = start();
    const book = load(Book, { id: 1, deletedAt: null, tags: [{ id: 1, deletedAt: null }] });
    book.tags.add(load(Tag, { id: 2, deletedAt: null }));
    remove(Tag, book.tags[0]);
    expect([ids(book.tags), book.tags.isDirty()]).toEqual([[1, 2], true]);
  });

  it('leaves what was added to a collection that is not loaded', () => {
    const { load, remove } = start();
    const author = load(Author, { id: 1, deletedAt: null });
    const book = load(Book, { id: 1, deletedAt: null });
    author.books.add(book);
    const isDirty = author.books.isDirty();
    remove(Book, book);
    expect([ids(author.books), author.books.isDirty(), author.books.isInitialized()]).toEqual([[1], isDirty, false]);
  });
});
