import { helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { forgetRemoved } from '../../../lib/memory/forget-removed.js';

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
      editor: () => p.manyToOne(Author).mapToPk().nullable(),
      deletedAt: deletedAt(),
    },
  }),
);
const Page = defineEntity({
  name: 'Page',
  properties: { book: () => p.manyToOne(Book).primary(), number: p.integer().primary() },
});
const Note = defineEntity({
  name: 'Note',
  properties: { page: () => p.manyToOne(Page).primary(), text: p.string() },
});

describe(forgetRemoved, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book, Page, Note], extensions: [softDelete()] });

  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object): any => em.merge(entity as never, data as never);
    const author = load(Author, { id: 1, deletedAt: null, books: [] });
    const book = load(Book, { id: 1, author: 1, editor: null, deletedAt: null });
    const other = load(Book, { id: 2, author: 1, editor: 1, deletedAt: null });
    const page = load(Page, { book: 1, number: 1 });
    const note = load(Note, { page: [1, 1], text: 'x' });
    const forget = (...entities: object[]) => forgetRemoved(new Map([[em as never, entities]]));
    const isManaged = (...entities: any[]) =>
      entities.map(
        (entity) =>
          em.getUnitOfWork().getById(helper(entity).__meta.class, helper(entity).getPrimaryKeys() as never) === entity,
      );
    return { em, author, book, other, page, note, forget, isManaged };
  }

  it('lets go of rows, and of what has their key in its own, at any distance', () => {
    const { book, other, page, note, author, forget, isManaged } = start();
    forget(book);
    expect(isManaged(book, page, note, other, author)).toEqual([false, false, false, true, true]);
    expect(helper(book).__managed).toBe(false);
    expect(helper(book).__originalEntityData).toBeUndefined();
    expect(author.books.getItems(false)).toEqual([other]);
    expect(author.books.isDirty()).toBe(false);
  });

  it('lets go of them in references, whatever these hold', () => {
    const { author, book, other, forget, isManaged } = start();
    forget(author);
    expect([book.author, other.author]).toEqual([undefined, undefined]);
    expect('author' in helper(book).__data).toBe(false);
    expect(helper(other).__data.editor).toBeUndefined();
    expect(isManaged(book, other)).toEqual([true, true]);
  });

  it('takes them off what the next flush removes or saves', () => {
    const { em, book, other, forget } = start();
    em.remove(book);
    em.persist(other);
    forget(book, other);
    const uow = em.getUnitOfWork();
    expect([uow.getRemoveStack().size, uow.getPersistStack().size]).toEqual([0, 0]);
  });

  it('brings everything back', () => {
    const { author, book, other, page, note, forget, isManaged } = start();
    const saved = helper(book).__originalEntityData;
    const undo = forget(book, author);
    expect(author.books.getItems(false)).not.toContain(book);
    undo();
    expect(isManaged(author, book, other, page, note)).toEqual([true, true, true, true, true]);
    expect(helper(book).__originalEntityData).toBe(saved);
    expect(new Set(author.books.getItems(false))).toEqual(new Set([book, other]));
    expect([book.author, other.author]).toEqual([author, author]);
    expect(other.editor).toBe(1);
    expect(author.books.isDirty()).toBe(false);
  });
});
