import type { EntityManager } from '@mikro-orm/postgresql';
import { Author, Book, Chapter, LIBRARY, Review, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** A read as an application writes it, and the same with the condition of active rows written by hand: `a` is that condition. */
type Query = (em: EntityManager, a: { deletedAt?: null }) => Promise<unknown>;
type Populated = { populateWhere?: any };

const books = (a: object): Populated => ('deletedAt' in a ? { populateWhere: { books: a } } : {});

/** Reviews, chapters and books have no one-to-one relation that somebody else owns: its key costs a join, with its own condition. */
const QUERIES: Record<string, Query> = {
  'find all': (em, a) => em.find(Book, { ...a }),
  'find by a column': (em, a) => em.find(Book, { ...a, title: 'one' }),
  'find by several columns': (em, a) => em.find(Book, { ...a, title: 'one', author: 1 }),
  'find by alternatives': (em, a) => em.find(Book, { ...a, $or: [{ title: 'one' }, { id: 3 }] }),
  'find by a negation': (em, a) => em.find(Book, { ...a, $not: { title: 'one' } }),
  'find by an operator': (em, a) => em.find(Book, { ...a, id: { $in: [1, 2, 3] } }),
  'find by a key': (em, a) => em.find(Book, { ...a, id: 1 }),
  'find by a reference': (em, a) => em.find(Book, { ...a, author: { $in: [1, 2] } }),
  'find by a column of a reference': (em, a) => em.find(Book, { ...a, author: { name: 'Ada' } }),
  'find by a reference of a reference': (em, a) => em.find(Chapter, { ...a, book: { author: { name: 'Ada' } } }),
  'find in order': (em, a) => em.find(Book, { ...a }, { orderBy: { title: 'desc', id: 1 } }),
  'find in the order of a reference': (em, a) => em.find(Book, { ...a }, { orderBy: { author: { name: 1 } } }),
  'find a page': (em, a) => em.find(Book, { ...a }, { limit: 2, offset: 1, orderBy: { id: 1 } }),
  'find some fields': (em, a) => em.find(Book, { ...a }, { fields: ['title'] }),
  'find without a field': (em, a) => em.find(Book, { ...a }, { exclude: ['title'] }),
  'find fields of a reference': (em, a) => em.find(Book, { ...a }, { fields: ['title', 'author.name'] }),
  'find with a reference, joined': (em, a) =>
    em.find(Review, { ...a }, { populate: ['author:ref'], strategy: 'joined' }),
  'find with a nested reference': (em, a) => em.find(Chapter, { ...a }, { populate: ['book'], strategy: 'joined' }),
  'find with a nested reference, select-in': (em, a) =>
    em.find(Chapter, { ...a }, { populate: ['book'], strategy: 'select-in' }),
  'find with a limit and a lock': (em, a) =>
    em.transactional((tx) => tx.find(Book, { ...a }, { limit: 1, lockMode: 4, orderBy: { id: 1 } })),
  'findOne by a column': (em, a) => em.findOne(Book, { ...a, title: 'one' }),
  'findOne by a key': (em, a) => em.findOne(Book, { ...a, id: 1 }),
  'findOne with a reference': (em, a) => em.findOne(Chapter, { ...a, title: '1' }, { populate: ['book'] }),
  'findOne of some fields': (em, a) => em.findOne(Book, { ...a, id: 1 }, { fields: ['title'] }),
  'count all': (em, a) => em.count(Book, { ...a }),
  'count by a column': (em, a) => em.count(Book, { ...a, title: 'one' }),
  'count by a column of a reference': (em, a) => em.count(Book, { ...a, author: { name: 'Ada' } }),
  'count of authors': (em, a) => em.count(Author, { ...a, name: 'Ada' }),
  findAndCount: (em, a) => em.findAndCount(Book, { ...a }, { limit: 1, orderBy: { id: 1 } }),
  findByCursor: (em, a) => em.findByCursor(Book, { where: { ...a }, first: 1, orderBy: { id: 1 } }),
  countBy: (em, a) => em.countBy(Book, 'author', { where: { ...a } }),
  'populate the members, select-in': (em, a) =>
    em.find(Tag, { ...a }, { populate: ['books'], strategy: 'select-in', ...books(a) }),
  'populate one-to-many members, joined': (em, a) =>
    em.find(
      Book,
      { ...a },
      {
        populate: ['chapters'],
        strategy: 'joined',
        ...('deletedAt' in a ? { populateWhere: { chapters: a } } : {}),
      },
    ),
};

describe('the statements of a read', () => {
  let filtered: TestOrm;
  let plain: TestOrm;

  beforeAll(async () => {
    [filtered, plain] = await Promise.all([createTestOrm(LIBRARY), createTestOrm(LIBRARY, {}, false)]);
    const rows = `
      insert into author (name, deleted_at) values ('Ada', null), ('Bob', now());
      insert into book (title, author_id, deleted_at) values ('one', 1, null), ('two', 1, now()), ('three', 2, null);
      insert into chapter (title, book_id) values ('1', 1);
      insert into tag (name) values ('red');
      insert into book_tags (book_id, tag_id) values (1, 1), (2, 1);
      insert into review (text, author_id) values ('r', 2);
    `;
    await Promise.all([filtered.database.query(rows), plain.database.query(rows)]);
  });
  afterAll(() => Promise.all([filtered.close(), plain.close()]));

  it.each(Object.keys(QUERIES))('%s: are those of a condition written by hand', async (name) => {
    filtered.statements.length = 0;
    plain.statements.length = 0;
    const [found, expected] = [
      await QUERIES[name]!(filtered.orm.em.fork() as EntityManager, {}),
      await QUERIES[name]!(plain.orm.em.fork() as EntityManager, { deletedAt: null }),
    ];
    expect(plain.statements.length).toBeGreaterThan(0);
    // Those of findAndCount() are sent at once.
    expect(filtered.statements.toSorted()).toEqual(plain.statements.toSorted());
    expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
  });

  it('covers a good part of what can be asked', () => {
    expect(Object.keys(QUERIES).length).toBeGreaterThanOrEqual(30);
  });
});
