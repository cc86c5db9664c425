import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeletedScope, SoftDeleteReadView, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { inScope } from '../../support/in-scope.js';
import { Author, Book, Chapter, LIBRARY, Passport, Tag } from '../../support/library.js';
import { hasAllOperator } from '../../support/orm-features.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/**
 * Ada has books 1 (active) and 2 (deleted); Bob, who is deleted, has books 3 (active) and 4 (deleted); Cid has book 5 (deleted).
 * Tag 1 is active and on books 1, 2 and 3, tag 2 is deleted and on 1, 3 and 4. Chapter n is in book n; 1 to 3 are active.
 */
const ROWS = `
  insert into author (name, deleted_at) values ('Ada', null), ('Bob', now()), ('Cid', null);
  insert into book (title, author_id, deleted_at) values
    ('one', 1, null), ('two', 1, now()), ('three', 2, null), ('four', 2, now()), ('five', 3, now());
  insert into chapter (title, book_id, deleted_at) values ('1', 1, null), ('2', 2, null), ('3', 3, null), ('4', 4, now());
  insert into tag (name, deleted_at) values ('red', null), ('blue', now());
  insert into book_tags (book_id, tag_id) values (1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (4, 2);
  insert into passport (number, author_id, deleted_at) values
    ('A', 1, now() - interval '2 days'), ('B', 1, null), ('C', 1, now() - interval '1 day'),
    ('D', 3, now() - interval '2 days'), ('E', 3, now() - interval '1 day');
`;

const SCOPES: DeletedScope[] = ['active', 'with', 'only'];
const BOOKS: Record<DeletedScope, number[]> = { active: [1, 3], with: [1, 2, 3, 4, 5], only: [2, 4, 5] };

type Books = SoftDeleteReadView<Book>;
const ids = (items: Iterable<{ id: number }>) => [...items].map(({ id }) => id).toSorted((a, b) => a - b);

/** Every path that hands out books, and which it hands out. */
const ROOT_PATHS: Record<string, (books: Books) => Promise<number[]>> = {
  find: async (books) => ids(await books.find({})),
  'find by keys': async (books) => ids(await books.find([1, 2, 3, 4, 5] as never)),
  'find by a condition': async (books) =>
    ids(await books.find({ $or: [{ id: { $lt: 3 } }, { title: { $like: '%' } }] })),
  'find of some fields': async (books) => ids(await books.find({}, { fields: ['title'] })),
  'find page by page': async (books) => {
    const found = [];
    for (let offset = 0; offset < 6; offset++) {
      found.push(
        ...(await books.find({}, { limit: 1, offset, orderBy: { id: 1 }, populate: ['tags'], strategy: 'joined' })),
      );
    }
    return ids(found);
  },
  findAll: async (books) => ids(await books.findAll()),
  'findAll by a condition': async (books) => ids(await books.findAll({ where: { id: { $gt: 0 } } })),
  'findOne by key': async (books) => present([1, 2, 3, 4, 5], (id) => books.findOne(id)),
  'findOne by a condition': async (books) =>
    present([1, 2, 3, 4, 5], (id) => books.findOne({ id, title: { $ne: '' } })),
  findOneOrFail: async (books) => present([1, 2, 3, 4, 5], (id) => books.findOneOrFail(id).catch(() => null)),
  findAndCount: async (books) => {
    const [items, count] = await books.findAndCount({}, { limit: 10 });
    expect(count).toBe(items.length);
    return ids(items);
  },
  findByCursor: async (books) => {
    const found: number[] = [];
    let cursor = await books.findByCursor({ first: 1, orderBy: { id: 'asc' } });
    const { totalCount } = cursor;
    for (;;) {
      found.push(...ids(cursor.items));
      if (!cursor.hasNextPage) {
        expect(found).toHaveLength(totalCount);
        return found;
      }
      cursor = await books.findByCursor({ first: 1, after: cursor.endCursor!, orderBy: { id: 'asc' } });
    }
  },
  count: async (books) => present([1, 2, 3, 4, 5], async (id) => ((await books.count({ id })) === 1 ? { id } : null)),
  countBy: async (books) => Object.keys(await books.countBy('id')).map(Number),
  stream: async (books) => {
    const found = [];
    for await (const book of books.stream()) {
      found.push(book);
    }
    return ids(found);
  },
  'query builder': async (books) => ids(await books.createQueryBuilder('b').getResultList()),
  'query builder with a later condition': async (books) =>
    ids(
      await books
        .qb('b')
        .where({ id: { $gt: 0 } })
        .getResult(),
    ),
  'query builder, rows': async (books) =>
    ids(
      await books
        .qb('b')
        .select('id')
        .where({ id: { $gt: 0 } })
        .execute(),
    ),
  'query builder, count': async (books) => {
    const counts = await Promise.all([1, 2, 3, 4, 5].map((id) => books.qb('b').where({ id }).getCount()));
    return counts.flatMap((count, i) => (count === 1 ? [i + 1] : []));
  },
  'query builder, list and count': async (books) => {
    const [items, count] = await books
      .qb('b')
      .where({ id: { $gt: 0 } })
      .limit(10)
      .getResultAndCount();
    expect(count).toBe(items.length);
    return ids(items);
  },
  'query builder, page with a join': async (books) =>
    ids(await books.qb('b').leftJoinAndSelect('b.tags', 't').orderBy({ 'b.id': 1 }).limit(9).getResultList()),
};

async function present(keys: number[], find: (id: number) => Promise<{ id: number } | null>): Promise<number[]> {
  const found = [];
  for (const key of keys) {
    found.push(await find(key));
  }
  return ids(found.filter((item) => item !== null));
}

/** Conditions on authors through relations, and the authors that they find if no deleted row is a member of anything. */
const MEMBER_CONDITIONS: [string, any, active: number[], every: number[]][] = [
  ['a column', { books: { title: { $like: 't%' } } }, [], [1, 2]],
  ['a key', { books: 2 }, [], [1]],
  ['keys', { books: [1, 2, 5] }, [1], [1, 3]],
  ['nobody', { books: null }, [3], []],
  ['$some', { books: { $some: { title: { $ne: 'one' } } } }, [], [1, 2, 3]],
  ['$some of anything', { books: { $some: {} } }, [1], [1, 2, 3]],
  ['$none', { books: { $none: { title: { $ne: 'one' } } } }, [1, 3], []],
  ['$none of anything', { books: { $none: {} } }, [3], []],
  ['$every', { books: { $every: { title: 'one' } } }, [1, 3], []],
  ['$size', { books: { $size: 1 } }, [1], [3]],
  ['$size of nothing', { books: { $size: 0 } }, [3], []],
  ['$size compared', { books: { $size: { $gte: 1, $lt: 9 } } }, [1], [1, 2, 3]],
  ['a negation', { $not: { books: { $some: { title: 'two' } } } }, [1, 3], [2, 3]],
  ['alternatives', { $or: [{ books: { $some: { title: 'five' } } }, { name: 'none' }] }, [], [3]],
  ['several', { books: { $some: { title: 'two' }, $size: 2 } }, [], [1]],
  ['a relation of a member', { books: { $some: { chapters: { $some: { title: '2' } } } } }, [], [1]],
  ['a path to a member', { books: { chapters: { title: '2' } } }, [], [1]],
  ['a path below $some', { books: { $some: { chapters: { title: '2' } } } }, [], [1]],
  ['a many-to-many path', { books: { tags: { name: 'blue' } } }, [], [1, 2]],
  ['a many-to-many key', { books: { tags: 2 } }, [], [1, 2]],
  ['many-to-many $some', { books: { $some: { tags: { $some: { name: 'blue' } } } } }, [], [1, 2]],
  ['the other side of a one-to-one relation', { passport: { number: { $in: ['A', 'C', 'E'] } } }, [], [1, 3]],
];

const TAG_CONDITIONS: [string, any, active: number[], every: number[]][] = [
  ['a key', { tags: 2 }, [], [1, 3, 4]],
  ['keys', { tags: [2] }, [], [1, 3, 4]],
  ['a column', { tags: { name: 'blue' } }, [], [1, 3, 4]],
  ['another key', { tags: { $ne: 1 } }, [], [1, 3, 4]],
  ['nobody', { tags: null }, [], [5]],
  ...(hasAllOperator ? [['$all', { tags: { $all: [1, 2] } }, [], [1, 3]] as [string, any, number[], number[]]] : []),
  ['$size', { tags: { $size: 1 } }, [1, 3], [2, 4]],
  ['$none', { tags: { $none: { name: 'blue' } } }, [1, 3], [2, 5]],
  ['$every', { tags: { $every: { name: 'red' } } }, [1, 3], [2, 5]],
  ['its author', { author: { books: { $some: { title: 'two' } } } }, [], [1, 2]],
  ['its author, by a path', { author: { books: { title: 'two' } } }, [], [1, 2]],
];

describe('I1: a row is visible if and only if its own time of deletion is null', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY);
    await test.database.query(ROWS);
  });
  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const repository = <Entity extends object>(entity: new () => Entity, manager = em) =>
    manager.getRepository(entity) as SoftDeleteRepository<Entity>;
  const books = (scope: DeletedScope) => repository(Book).scope(scope);

  describe.each(SCOPES)('rows of the scope "%s"', (scope) => {
    it.each(Object.keys(ROOT_PATHS))('%s', async (path) => {
      expect(await ROOT_PATHS[path]!(books(scope))).toEqual(BOOKS[scope]);
    });

    it.each(Object.keys(ROOT_PATHS))('%s, inside a scope that is around it', async (path) => {
      expect(await inScope(em, scope, () => ROOT_PATHS[path]!(repository(Book)))).toEqual(BOOKS[scope]);
    });

    it.each(Object.keys(ROOT_PATHS))('%s, whatever scope is around it', async (path) => {
      const around = scope === 'with' ? 'active' : 'with';
      expect(await inScope(em, around, () => ROOT_PATHS[path]!(books(scope)))).toEqual(BOOKS[scope]);
    });
  });

  it('leaves a query builder of the entity manager as it is, without filters, until these are asked for', async () => {
    const all = em.createQueryBuilder(Book, 'b');
    expect(ids(await all.getResultList())).toEqual(BOOKS.with);
    const filtered = em.createQueryBuilder(Book, 'b');
    await filtered.applyFilters();
    expect(ids(await filtered.getResultList())).toEqual(BOOKS.active);
  });

  it.each(['find', 'findAll', 'findOne by key', 'count', 'stream', 'countBy', 'findByCursor'])(
    '%s, with the filter switched off in the options',
    async (path) => {
      const off = { filters: { softDelete: false } };
      const reads: Record<string, () => Promise<number[]>> = {
        find: async () => ids(await em.find(Book, {}, off)),
        findAll: async () => ids(await em.findAll(Book, { filters: false })),
        'findOne by key': () => present([1, 2, 3, 4, 5], (id) => em.findOne(Book, id, off)),
        count: async () => [await em.count(Book, {}, off)].flatMap((n) => BOOKS.with.slice(0, n)),
        stream: async () => {
          const found = [];
          for await (const book of em.stream(Book, off)) {
            found.push(book);
          }
          return ids(found);
        },
        countBy: async () => Object.keys(await em.countBy(Book, 'id', off)).map(Number),
        findByCursor: async () => ids((await em.findByCursor(Book, { first: 9, orderBy: { id: 1 }, ...off })).items),
      };
      expect(await reads[path]!()).toEqual(BOOKS.with);
    },
  );

  describe.each([
    ['authors', Author, MEMBER_CONDITIONS, { active: [1, 3], with: [1, 2, 3] }],
    ['books', Book, TAG_CONDITIONS, { active: BOOKS.active, with: BOOKS.with }],
  ] as const)('members of relations of %s, in a condition', (_name, entity, conditions, visible) => {
    const reads: Record<string, (manager: EntityManager, where: any, off: object) => Promise<number[]>> = {
      find: async (manager, where, off) => ids(await manager.find(entity as typeof Book, where, off)),
      count: async (manager, where, off) => [await manager.count(entity as typeof Book, where, off)],
      stream: async (manager, where, off) => {
        const found = new Set<number>();
        for await (const row of manager.stream(entity as typeof Book, { where, ...off })) {
          found.add(row.id);
        }
        return [...found].toSorted((a, b) => a - b);
      },
      countBy: async (manager, where, off) =>
        Object.keys(await manager.countBy(entity as typeof Book, 'id', { where, ...off })).map(Number),
      'query builder': async (manager, where, off) => {
        const rows = repository(entity as typeof Book, manager);
        const scope = 'filters' in off ? rows.withDeleted() : rows;
        return ids(new Set<any>(await scope.qb('x').where(where).getResultList()));
      },
    };

    it.each(conditions)('%s', async (_condition, where, active, every) => {
      for (const [path, read] of Object.entries(reads)) {
        const counted = (found: number[]) => (path === 'count' ? [found.length] : found);
        const members = await read(em.fork(), structuredClone(where), {});
        expect([path, members]).toEqual([path, counted(active.filter((id) => visible.active.includes(id as never)))]);
        const all = await read(em.fork(), structuredClone(where), { filters: { softDelete: false } });
        expect([path, all]).toEqual([path, counted(every.filter((id) => visible.with.includes(id as never)))]);
      }
    });
  });

  describe.each(['joined', 'select-in', 'balanced'] as const)('populated %s', (strategy) => {
    it.each(SCOPES)('shows the members of the scope "%s"', async (scope) => {
      const [ada] = await books(scope).find(scope === 'only' ? 2 : 1, {
        populate: ['author.books.tags', 'author.books.chapters', 'author.passport'],
        strategy,
      });
      const members = scope === 'active' ? [1] : [1, 2];
      expect(ids(ada!.author.books)).toEqual(members);
      expect(ids(ada!.author.books[0]!.tags)).toEqual(scope === 'active' ? [1] : [1, 2]);
      expect(ids(ada!.author.books[0]!.chapters)).toEqual([1]);
      expect(ada!.author.passport!.number).toBe('B');
    });

    it('shows of a one-to-one relation what was deleted last where nothing is active', async () => {
      const authors = repository(Author);
      const cid = await authors.findOneOrFail(3, { populate: ['passport'], strategy });
      expect(cid.passport).toBeNull();
      const again = await authors.withDeleted().findOneOrFail(3, { populate: ['passport'], strategy });
      expect(again.passport!.number).toBe('E');
    });

    it('does not let the pages of a joined relation follow deleted members', async () => {
      const found = await em.find(
        Author,
        { books: { title: 'two' } },
        { populate: ['books'], populateWhere: 'infer', strategy, limit: 5, orderBy: { id: 1 } },
      );
      expect(found).toEqual([]);
    });
  });

  it('orders by the active members only', async () => {
    const found = await em.find(Author, {}, { orderBy: { books: { title: 'desc' } } });
    expect(found.map(({ id }) => id)).toEqual([3, 1]);
  });

  describe(`collections`, () => {
    it('loads, initialises, matches and counts the members of the scope', async () => {
      for (const [filters, members] of [
        [undefined, [1]],
        [{ softDelete: false }, [1, 2]],
      ] as const) {
        const author = await em.fork().findOneOrFail(Author, 1);
        expect(await author.books.loadCount({ filters } as never)).toBe(members.length);
        expect(ids(await author.books.matching({ filters } as never))).toEqual(members);
        expect(ids(await author.books.loadItems({ filters } as never))).toEqual(members);
        expect(ids(await author.books.init({ filters } as never))).toEqual(members);
        const book = await em.fork().findOneOrFail(Book, 1);
        expect(await book.tags.loadCount({ filters } as never)).toBe(members.length);
        expect(ids(await book.tags.matching({ filters } as never))).toEqual(members);
        expect(ids(await book.tags.loadItems({ filters } as never))).toEqual(members);
        expect(ids(await book.tags.init({ filters } as never))).toEqual(members);
      }
    });

    it('matches by conditions on members of members', async () => {
      const author = await em.findOneOrFail(Author, 1);
      expect(await author.books.matching({ where: { tags: { $some: { name: 'blue' } } } })).toEqual([]);
      const tag = await em.findOneOrFail(Tag, 1);
      expect(ids(await tag.books.matching({ where: { chapters: { $some: { title: '1' } } } }))).toEqual([1]);
      expect(await tag.books.matching({ where: { tags: { $some: { name: 'blue' } } } })).toEqual([]);
      expect(await tag.books.matching({ where: { tags: { name: 'blue' } } })).toEqual([]);
    });

    it('counts what a deleted row is linked to as it loads it', async () => {
      const book = await em.findOneOrFail(Book, 4, { filters: { softDelete: false } });
      await test.database.query('insert into book_tags (book_id, tag_id) values (4, 1)');
      try {
        expect(ids(await book.tags.loadItems())).toEqual([1]);
        expect(await book.tags.loadCount({ refresh: true })).toBe(1);
      } finally {
        await test.database.query('delete from book_tags where book_id = 4 and tag_id = 1');
      }
    });
  });

  it('updates and deletes by the active members only', async () => {
    expect(await em.nativeUpdate(Chapter, { book: { tags: { name: 'blue' } } }, { title: 'x' })).toBe(0);
    expect(await em.nativeUpdate(Author, { books: { $some: { title: 'two' } } }, { name: 'x' })).toBe(0);
    expect(await inScope(em, 'with', () => em.nativeUpdate(Author, { books: { $none: {} } }, { name: 'Cid' }))).toBe(1);
    expect(await em.nativeDelete(Passport, { author: { books: { title: 'two' } } })).toBe(0);
    expect(await test.database.query('select id from author where name = $1', ['x'])).toEqual([]);
  });
});
