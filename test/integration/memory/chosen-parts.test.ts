import { UniqueConstraintViolationException, wrap } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Author, Book, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const ONE = { title: 'one' };

/** Ways to load the books of an author that are called "one". */
const ASKED: [string, (em: EntityManager) => Promise<unknown>][] = [
  ['init()', async (em) => (await em.findOneOrFail(Author, 1)).books.init({ where: ONE })],
  [
    'init() by a dataloader',
    async (em) => (await em.findOneOrFail(Author, 1)).books.init({ where: ONE, dataloader: true }),
  ],
  ['load()', async (em) => (await em.findOneOrFail(Author, 1)).books.load({ where: ONE })],
  ['matching()', async (em) => (await em.findOneOrFail(Author, 1)).books.matching({ where: ONE, store: true })],
  ['populateWhere', (em) => em.find(Author, {}, { populate: ['books'], populateWhere: { books: ONE } })],
  [
    'populateWhere with a list',
    (em) => em.find(Author, {}, { populate: ['books'], populateWhere: { $and: [{ books: ONE }] } }),
  ],
  [
    'an inferred condition',
    (em) => em.find(Author, { books: ONE }, { populate: ['books'], populateWhere: 'infer' as never }),
  ],
  ['em.populate()', async (em) => em.populate(await em.find(Author, {}), ['books'], { where: { books: ONE } })],
  ['a filter of the read', (em) => em.find(Author, {}, { populate: ['books'], filters: { one: true } })],
  ['a filter of the read in a list', (em) => em.find(Author, {}, { populate: ['books'], filters: ['one'] })],
];

/** Ways that mix the condition with others in one query. */
const MIXED: [string, (em: EntityManager) => Promise<unknown>][] = [
  ['populateFilter', (em) => em.find(Author, {}, { populate: ['books'], populateFilter: { books: ONE } })],
  [
    'a joined populateWhere',
    (em) => em.find(Author, {}, { populate: ['books'], populateWhere: { books: ONE }, strategy: 'joined' }),
  ],
  [
    'a joined populateFilter',
    (em) => em.find(Author, {}, { populate: ['books'], populateFilter: { books: ONE }, strategy: 'joined' }),
  ],
  ['a joined filter', (em) => em.find(Author, {}, { populate: ['books'], filters: { one: true }, strategy: 'joined' })],
  [
    'findOne() with a joined populateWhere',
    (em) => em.findOne(Author, 1, { populate: ['books'], populateWhere: { books: ONE }, strategy: 'joined' }),
  ],
  [
    'a limit',
    async (em) =>
      (await em.findOneOrFail(Author, 1)).books.matching({
        limit: 1,
        orderBy: { id: 1 },
        where: { deletedAt: null },
        store: true,
      }),
  ],
  [
    'a query builder',
    (em) =>
      em
        .createQueryBuilder(Author, 'a')
        .select('a.*')
        .leftJoinAndSelect('a.books', 'b', { ...ONE, deletedAt: null })
        .getResultList(),
  ],
];

const TAGS: [string, (em: EntityManager) => Promise<unknown>][] = [
  ['init()', async (em) => (await em.findOneOrFail(Book, 1)).tags.init({ where: { name: 't1' } })],
  ['matching()', async (em) => (await em.findOneOrFail(Book, 1)).tags.matching({ where: { name: 't1' }, store: true })],
  ['populateWhere', (em) => em.find(Book, {}, { populate: ['tags'], populateWhere: { tags: { name: 't1' } } })],
  ['a filter of the read', (em) => em.find(Book, {}, { populate: ['tags'], filters: { first: true } })],
];

describe('a collection that holds a chosen part', () => {
  const library = useLibrary({
    filters: {
      one: { name: 'one', cond: ONE, entity: [Book], default: false },
      first: { name: 'first', cond: { name: 't1' }, entity: [Tag], default: false },
    } as never,
  });
  const titles = () =>
    library.em
      .getUnitOfWork()
      .getById<Author>(Author.name as never, 1)!
      .books.getItems()
      .map(({ title }) => title)
      .sort();
  const names = () =>
    library.em
      .getUnitOfWork()
      .getById<Book>(Book.name as never, 1)!
      .tags.getItems()
      .map(({ name }) => name)
      .sort();
  const unchanged = async () => {
    library.statements.length = 0;
    await library.em.flush();
    expect(library.statements).toEqual([]);
  };

  beforeEach(() => library.plant());

  it.each(ASKED)('gains the members among the restored rows, loaded with %s', async (_name, load) => {
    await load(library.em);
    expect(titles()).toEqual(['one']);
    await library.repo(Book).softDelete([1, 2]);
    expect(titles()).toEqual([]);
    await library.repo(Book).restore([1, 2]);
    expect(titles()).toEqual(['one']);
    await unchanged();
  });

  it.each(ASKED)('gains members that it has never held, loaded with %s', async (_name, load) => {
    await library.repo(Book, library.fork()).softDelete([1, 2]);
    await load(library.em);
    const author = await library.em.findOneOrFail(Author, 1);
    if (author.books.isInitialized()) {
      expect(titles()).toEqual([]);
      await library.repo(Book).restore([1, 2]);
      expect(titles()).toEqual(['one']);
      await unchanged();
    }
  });

  it.each(ASKED)('judges by what the row holds when it is restored, loaded with %s', async (_name, load) => {
    await load(library.em);
    await library.repo(Book).softDelete([1, 2]);
    await library.database.query("update book set title = case id when 1 then 'two' else 'one' end where id in (1, 2)");
    await library.repo(Book).restore([1, 2]);
    const [author] = [library.em.getUnitOfWork().getById<Author>(Author.name as never, 1)!];
    expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
  });

  it.each(MIXED)('gains nothing of what nobody can tell, and is read anew, loaded with %s', async (_name, load) => {
    await load(library.em);
    expect(titles()).toEqual(['one']);
    await library.repo(Book).softDelete([1, 2]);
    await library.repo(Book).restore([1, 2]);
    expect(titles()).toEqual([]);
    await library.em.find(Author, {}, { populate: ['books'] });
    expect(titles()).toEqual(['one', 'two']);
    await unchanged();
  });

  it.each([...ASKED, ...MIXED])(
    'keeps what it held when a removal is rolled back, loaded with %s',
    async (_name, load) => {
      await load(library.em);
      const removed = library.em
        .transactional(async (em) => {
          em.remove(await em.find(Book, { author: 1 }));
          await em.flush();
          throw new Error('rolled back');
        })
        .catch(({ message }) => message);
      expect(await removed).toBe('rolled back');
      expect(titles()).toEqual(['one']);
    },
  );

  it.each<[string, (em: EntityManager) => Promise<unknown>]>([
    ...ASKED,
    ...MIXED,
    ['load() of the whole', async (em) => (await em.findOneOrFail(Author, 1)).books.load()],
    ['init() of the whole', async (em) => (await em.findOneOrFail(Author, 1)).books.init()],
  ])('keeps what it held when a flush fails, loaded with %s', async (_name, load) => {
    await load(library.em);
    const held = titles();
    expect(held).toContain('one');
    library.em.remove(await library.em.find(Book, { author: 1 }));
    library.em.create(Tag, { id: 1, name: 'taken' } as never);
    await expect(library.em.flush()).rejects.toThrow(UniqueConstraintViolationException);
    expect(titles()).toEqual(held);
    expect(await library.database.query('select 1 from book where deleted_at is not null')).toEqual([]);
  });

  it.each([...ASKED, ...MIXED])(
    'keeps what it held when a restoration is rolled back, loaded with %s',
    async (_name, load) => {
      await load(library.em);
      await library.repo(Book).softDelete([1, 2]);
      const restored = library.em
        .transactional(async (em) => {
          await library.repo(Book, em as EntityManager).restore([1, 2]);
          throw new Error('rolled back');
        })
        .catch(({ message }) => message);
      expect(await restored).toBe('rolled back');
      expect(titles()).toEqual([]);
    },
  );

  it.each([...ASKED, ...MIXED])('is not joined by what somebody else restores, loaded with %s', async (_name, load) => {
    await load(library.em);
    await library.repo(Book).softDelete([1, 2]);
    await library.repo(Book, library.fork()).restore([1, 2]);
    await library.em.find(Book, { author: 1 });
    expect(titles()).not.toContain('two');
  });

  it.each(TAGS)('gains the members among restored rows over a pivot table, loaded with %s', async (_name, load) => {
    await load(library.em);
    expect(names()).toEqual(['t1']);
    await library.repo(Tag).softDelete([1, 2]);
    expect(names()).toEqual([]);
    await library.repo(Tag).restore([1, 2]);
    expect(names()).toEqual(['t1']);
    await unchanged();
    expect(await library.database.query('select 1 from book_tags')).toHaveLength(2);
  });

  it('gains every restored row once it holds the whole relation again', async () => {
    const author = await library.em.findOneOrFail(Author, 1);
    await author.books.init({ where: ONE });
    await author.books.init();
    await library.repo(Book).softDelete([1, 2]);
    await library.repo(Book).restore([1, 2]);
    expect(titles()).toEqual(['one', 'two']);
  });

  it('gains what comes back with its owner', async () => {
    await (await library.em.findOneOrFail(Author, 1)).books.init({ where: ONE });
    await library.repo(Author).softDelete(1);
    await library.repo(Author).restore(1);
    expect(titles()).toEqual(['one']);
    expect(wrap(await library.em.findOneOrFail(Author, 1)).toObject()).toMatchObject({ books: [ONE] });
  });
});
