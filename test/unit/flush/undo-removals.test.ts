import { helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { createRemovals } from '../../../lib/flush/plan/create-removals.js';
import { undoRemovals } from '../../../lib/flush/undo-removals.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

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
      title: p.string(),
      version: p.integer().version(),
      author: () => p.manyToOne(Author).nullable(),
      deletedAt: deletedAt(),
    },
  }),
);
const NOW = new Date('2026-01-02');

describe(undoRemovals, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book], extensions: [softDelete()] });
  const catalog = SoftDeleteCatalog.of(orm.em as never);
  const entry = catalog.all().find(({ name }) => name === 'Book')!;

  function start() {
    const em = orm.em.fork();
    const load = (entity: unknown, data: object): any => em.merge(entity as never, data as never);
    const author = load(Author, { id: 1, deletedAt: null, books: [] });
    const book = load(Book, { id: 1, title: 'a', version: 3, author: 1, deletedAt: null });
    const other = load(Book, { id: 2, title: 'b', version: 1, author: 1, deletedAt: null });
    const remove = (...books: any[]) => {
      const removals = createRemovals(
        orm,
        books.map((each) => [each, entry] as const),
      );
      return { removals, undo: undoRemovals({ em, removals } as never) };
    };
    return { em, author, book, other, remove };
  }

  it('takes back the time, the version and what hooks have changed', () => {
    const { book, remove } = start();
    const saved = { ...helper(book).__originalEntityData };
    const { removals, undo } = remove(book);
    removals[0]!.changeSet = { payload: { deletedAt: NOW, title: 'changed', version: 4, gone: 1 } } as never;
    Object.assign(book, { deletedAt: NOW, title: 'changed', version: 4 });
    helper(book).__originalEntityData = { ...saved, deletedAt: NOW, title: 'changed' } as never;
    undo();
    expect(book).toMatchObject({ title: 'a', version: 3 });
    expect(book.deletedAt ?? null).toBeNull();
    expect(helper(book).__originalEntityData).toEqual(saved);
  });

  it('leaves alone what nobody has written', () => {
    const { book, remove } = start();
    const { removals, undo } = remove(book);
    removals[0]!.changeSet = { payload: { deletedAt: NOW } } as never;
    Object.assign(book, { deletedAt: NOW, title: 'unsaved' });
    undo();
    expect(book.title).toBe('unsaved');
  });

  it('makes a bare reference one again, unless it was loaded since then', () => {
    const { em, remove } = start();
    const [bare, loaded] = [7, 8].map((id) => em.getReference(Book, id) as any);
    const { undo } = remove(bare, loaded);
    helper(bare).__originalEntityData = { id: 7, deletedAt: NOW } as never;
    em.merge(Book, { id: 8, title: 'c', version: 1, author: null, deletedAt: null } as never);
    loaded.deletedAt = NOW;
    undo();
    expect(helper(bare).__initialized).toBe(false);
    expect(helper(bare).__originalEntityData).toEqual({ id: 7 });
    expect(helper(loaded).__initialized).toBe(true);
    expect(loaded.title).toBe('c');
    expect(loaded.deletedAt ?? null).toBeNull();
  });

  it('puts back into loaded collections what had left them before', () => {
    const { author, book, other, remove } = start();
    author.books.remove(book);
    author.books.takeSnapshot();
    book.author = author;
    author.books.removeWithoutPropagation(book);
    author.books.takeSnapshot();
    const { undo } = remove(book, other);
    undo();
    expect(new Set(author.books.getItems(false))).toEqual(new Set([other, book]));
    expect(author.books.isDirty()).toBe(false);
  });

  it('finds the collection by the key that the row has, where the reference is cleared', () => {
    const { author, book, remove } = start();
    author.books.removeWithoutPropagation(book);
    delete helper(book).__data.author;
    const { undo } = remove(book);
    undo();
    expect(author.books.contains(book, false)).toBe(true);
  });
});
