import { defineEntity, helper, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { forgetUnsavedChanges, resetUnsavedChanges } from '../../../lib/memory/repair-references.js';

const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: p.integer().primary(),
      books: () => p.oneToMany(Book).mappedBy('author'),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
);
const Place = defineEntity({ name: 'Place', embeddable: true, properties: { city: p.string() } } as never);
const Shop = defineEntity({
  name: 'Shop',
  properties: { id: p.integer().primary() },
});
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: p.integer().primary(),
      title: p.string().nullable(),
      note: p.string().nullable(),
      data: p.json().nullable(),
      version: p.integer().version(),
      place: () => p.embedded(Place as never).nullable(),
      author: () => p.manyToOne(Author).nullable(),
      shop: () => p.manyToOne(Shop).nullable(),
      shops: () => p.manyToMany(Shop).owner(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
);

describe('unsaved changes of a deleted entity', () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Author, Book, Shop, Place], extensions: [softDelete()] });
  const LOADED = {
    id: 1,
    title: 'a',
    note: null,
    data: { a: 1 },
    version: 1,
    place: { city: 'c' },
    author: 1,
    shop: 1,
    shops: [1],
    deletedAt: null,
  };

  function start() {
    const em = orm.em.fork();
    const book = em.merge(Book as never, { ...LOADED } as never) as any;
    const original = { ...(helper(book) as any).__originalEntityData };
    const reset = (except?: string[]) => resetUnsavedChanges(em as never, book, original, except);
    return { em, book, reset };
  }

  it('are taken back to what the row holds', () => {
    const { em, book, reset } = start();
    const { author } = book;
    Object.assign(book, { title: null, note: 'n', author: null, shop: em.getReference(Shop, 2) });
    expect(reset()).toEqual(new Set());
    expect([book.title, book.note, book.shop.id]).toEqual(['a', null, 1]);
    expect(book.author).toBe(author);
  });

  it('stay where they are excepted', () => {
    const { em, book, reset } = start();
    Object.assign(book, { title: 'b', note: 'n', author: null, shop: em.getReference(Shop, 2) });
    reset(['note', 'shop']);
    expect([book.title, book.note, book.author.id, book.shop.id]).toEqual(['a', 'n', 1, 2]);
  });

  it('are read again where the snapshot does not tell them', () => {
    const { book, reset } = start();
    Object.assign(book, { data: { a: 2 }, title: 'b' });
    book.place.city = 'd';
    expect(reset()).toEqual(new Set(['data', 'place']));
    expect(book.title).toBe('a');
    expect(reset(['data'])).toEqual(new Set(['place']));
  });

  it('of links are none of its columns', () => {
    const { em, book, reset } = start();
    book.shops.add(em.getReference(Shop, 2));
    expect(reset()).toEqual(new Set());
    expect(book.shops.getItems(false).map(({ id }: { id: number }) => id)).toEqual([1, 2]);
  });

  it('of a bare reference are forgotten, apart from its key, its version and what is excepted', () => {
    const em = orm.em.fork();
    const book = em.getReference(Book as never, 7 as never) as any;
    Object.assign(book, { title: 'b', note: 'n', version: 3, author: em.getReference(Author as never, 1 as never) });
    forgetUnsavedChanges(em as never, book, { id: 7 }, ['note']);
    const { __data: data } = helper(book) as any;
    expect([book.id, book.title, book.note, book.version, data.author]).toEqual([7, undefined, 'n', 3, undefined]);
  });
});
