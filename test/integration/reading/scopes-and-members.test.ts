import { Collection, type Rel, wrap } from '@mikro-orm/core';
import { Entity, Formula, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type DeletedScope,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { inScope } from '../../support/in-scope.js';
import { Author, Book, Chapter, LIBRARY, Review, Tag } from '../../support/library.js';
import { hasRelationPopulateFilter } from '../../support/orm-features.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  label!: string;

  @Property({ type: 'text', lazy: true, nullable: true })
  notes?: string;

  @Formula((columns) => `upper(${columns.label})`, { type: 'string' })
  loud!: string;

  @ManyToOne(() => Shelf, { nullable: true })
  under?: Rel<Shelf> | null;

  @OneToMany(() => Shelf, (shelf) => shelf.under)
  above = new Collection<Shelf>(this);
}

/** Virtual: by SQL, and by the repository's query builder. */
@Entity({ expression: 'select id, title from book' })
class RawTitle {
  @Property({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;
}

@Entity({
  expression: (em: EntityManager) =>
    (em.getRepository(Book) as SoftDeleteRepository<Book>).qb('b').select(['b.id', 'b.title'] as never),
})
class ShownTitle {
  @Property({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;
}

const SCOPES: DeletedScope[] = ['active', 'with', 'only'];
const BOOKS = { active: [1, 3], with: [1, 2, 3, 4, 5], only: [2, 4, 5] };
const ids = (items: Iterable<any>) => [...items].map(({ id }) => id).toSorted((a, b) => a - b);

describe('scopes and members', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([...LIBRARY, Shelf, RawTitle, ShownTitle]);
    await test.database.query(`
      insert into author (name, deleted_at) values ('Ada', null), ('Bob', now()), ('Cid', null);
      insert into book (title, author_id, deleted_at) values
        ('one', 1, null), ('two', 1, now()), ('three', 2, null), ('four', 2, now()), ('five', 3, now());
      insert into chapter (title, book_id, deleted_at) values ('1', 1, null), ('2', 2, null), ('3', 3, null), ('4', 4, now());
      insert into tag (name, deleted_at) values ('red', null), ('blue', now());
      insert into book_tags (book_id, tag_id) values (1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (4, 2);
      insert into review (text, author_id) values ('r', 2), ('s', null);
      insert into shelf (label, notes, under_id, deleted_at) values
        ('low', 'n1', null, now()), ('mid', 'n2', 1, null), ('top', 'n3', 2, now()), ('side', 'n4', 2, null);
    `);
  });
  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterEach(async () => {
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  });
  afterAll(() => test.close());

  const repository = <E extends object>(entity: new () => E, manager = em) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<E>;

  it('keeps scopes apart that are read at the same time', async () => {
    const books = repository(Book);
    for (let i = 0; i < 3; i++) {
      const [active, all, only, count, one] = await Promise.all([
        books.find({}, { populate: ['tags'] }),
        books.withDeleted().find({}, { populate: ['chapters'] }),
        books.onlyDeleted().find({}),
        books.onlyDeleted().count(),
        inScope(em, 'with', () => em.findOne(Book, 2)),
      ]);
      expect([ids(active), ids(all), ids(only), count, one!.id]).toEqual([...SCOPES.map((s) => BOOKS[s]), 3, 2]);
    }
    const [book] = await books.find({ id: 1 }, { populate: ['tags'] });
    expect(ids(book!.tags)).toEqual([1]);
  });

  it('carries a scope into forks and nested scopes, and out of them', async () => {
    await inScope(em, 'only', async () => {
      expect(ids(await (em.fork() as EntityManager).find(Book, {}))).toEqual(BOOKS.only);
      expect(ids(await repository(Book).withDeleted().find({}))).toEqual(BOOKS.with);
      expect(ids(await inScope(em, 'active', () => em.find(Book, {})))).toEqual(BOOKS.active);
      expect(ids(await em.transactional((tx) => tx.find(Book, {})))).toEqual(BOOKS.only);
      expect(ids(await em.find(Book, {}))).toEqual(BOOKS.only);
    });
    expect(ids(await em.find(Book, {}))).toEqual(BOOKS.active);
  });

  it.each(SCOPES)('reads without an identity map under "%s"', async (scope) => {
    const found = await repository(Book)
      .scope(scope)
      .find({}, { disableIdentityMap: true, populate: ['tags', 'author'] });
    expect(ids(found)).toEqual(BOOKS[scope]);
    const tags = Object.fromEntries(found.map((book: any) => [book.id, ids(book.tags)]));
    const expected = { 1: [1, 2], 2: [1], 3: [1, 2], 4: [2], 5: [] } as Record<number, number[]>;
    for (const id of BOOKS[scope]) {
      expect([id, tags[id]]).toEqual([
        id,
        scope === 'active' ? expected[id]!.filter((tag) => tag === 1) : expected[id],
      ]);
    }
    expect(found.map((book: any) => typeof book.author.name)).toEqual(found.map(() => 'string'));
  });

  it.each(SCOPES)('refreshes under "%s"', async (scope) => {
    const view = repository(Book).scope(scope);
    expect(ids(await view.find({}))).toEqual(BOOKS[scope]);
    expect(ids(await view.find({}, { refresh: true, populate: ['tags'] }))).toEqual(BOOKS[scope]);
    for (const id of [1, 2]) {
      const found = await view.findOne(id, { refresh: true, populate: ['tags'] });
      expect(found?.id).toBe(BOOKS[scope].includes(id) ? id : undefined);
    }
  });

  it.each(SCOPES)('reads lazy, excluded and computed properties under "%s"', async (scope) => {
    const shelves = { active: [2, 4], with: [1, 2, 3, 4], only: [1, 3] }[scope];
    const view = repository(Shelf).scope(scope);
    expect(ids(await view.find({ loud: { $in: ['LOW', 'MID', 'TOP', 'SIDE'] } }))).toEqual(shelves);
    const ordered = await view.find({}, { orderBy: { loud: 'desc' } });
    expect(ordered.map(({ label }) => label)).toEqual(
      ordered
        .map(({ label }) => label)
        .toSorted()
        .toReversed(),
    );
    const found = await view.find({}, { populate: ['notes'] });
    expect(ids(found)).toEqual(shelves);
    expect(found.every(({ notes }) => notes !== undefined)).toBe(true);
    const excluding = await repository(Shelf, em.fork() as EntityManager)
      .scope(scope)
      .find({}, { exclude: ['label'] });
    expect(ids(excluding)).toEqual(shelves);
  });

  it.each(['joined', 'select-in', 'balanced'] as const)(
    'follows a relation to the same entity, %s',
    async (strategy) => {
      const [mid] = await repository(Shelf).find({ id: 2 }, { populate: ['above', 'under.above.above'], strategy });
      expect([mid!.under!.label, ids(mid!.above), ids(mid!.under!.above)]).toEqual(['low', [4], [2]]);
      const [all] = await repository(Shelf)
        .withDeleted()
        .find({ id: 2 }, { populate: ['above', 'under.above.above'], strategy });
      expect([ids(all!.above), ids(all!.under!.above[0]!.above)]).toEqual([
        [3, 4],
        [3, 4],
      ]);
      expect(ids(await repository(Shelf).find({ above: { label: 'top' } }))).toEqual([]);
      expect(ids(await repository(Shelf).find({ under: { under: { label: 'low' } } }))).toEqual([4]);
      expect(ids(await repository(Shelf).find({ above: { $none: {} } }))).toEqual([4]);
    },
  );

  describe.each(['joined', 'select-in', 'balanced'] as const)('populated %s', (strategy) => {
    it.each(SCOPES)('takes populateWhere under "%s"', async (scope) => {
      const view = repository(Author).scope(scope);
      const inferred = await view.find(
        { books: { title: { $ne: 'none' } } },
        { populate: ['books'], populateWhere: 'infer', strategy },
      );
      for (const author of inferred) {
        expect(ids(author.books)).toEqual(
          ({ 1: [1, 2], 2: [3, 4], 3: [5] } as any)[author.id].filter((id: number) =>
            BOOKS[scope === 'active' ? 'active' : 'with'].includes(id),
          ),
        );
      }
      expect(ids(inferred)).toEqual({ active: [1], with: [1, 2, 3], only: [2] }[scope]);
      const where = await repository(Author, em.fork() as EntityManager)
        .scope(scope)
        .find(
          {},
          { populate: ['books'], populateWhere: { books: { title: { $in: ['one', 'two', 'four'] } } }, strategy },
        );
      expect(Object.fromEntries(where.map((a) => [a.id, ids(a.books)]))).toEqual(
        { active: { 1: [1], 3: [] }, with: { 1: [1, 2], 2: [4], 3: [] }, only: { 2: [4] } }[scope],
      );
    });

    const whereRelationsAreFiltered = hasRelationPopulateFilter ? it : it.skip;

    whereRelationsAreFiltered.each(SCOPES)('takes populateFilter under "%s"', async (scope) => {
      const filtered = await repository(Author, em.fork() as EntityManager)
        .scope(scope)
        .find(
          {},
          { populate: ['books'], populateFilter: { books: { title: { $in: ['one', 'two', 'four'] } } }, strategy },
        );
      expect(Object.fromEntries(filtered.map((a) => [a.id, ids(a.books)]))).toEqual(
        { active: { 1: [1], 3: [] }, with: { 1: [1, 2], 2: [4], 3: [] }, only: { 2: [4] } }[scope],
      );
    });

    it.each(SCOPES)('streams members under "%s"', async (scope) => {
      const found: Record<number, number[]> = {};
      for await (const author of repository(Author)
        .scope(scope)
        .stream({ populate: ['books'], strategy, orderBy: { id: 1 } } as never)) {
        found[(author as Author).id] = ids((author as Author).books);
      }
      expect(found).toEqual(
        { active: { 1: [1], 3: [] }, with: { 1: [1, 2], 2: [3, 4], 3: [5] }, only: { 2: [3, 4] } }[scope],
      );
    });

    it.each(SCOPES)('reads some fields of members under "%s"', async (scope) => {
      const found = await repository(Author)
        .scope(scope)
        .find({}, { fields: ['name', 'books.title', 'books.tags.name'], strategy });
      const shown = Object.fromEntries(found.map((a) => [a.id, ids(a.books)]));
      expect(shown).toEqual(
        { active: { 1: [1], 3: [] }, with: { 1: [1, 2], 2: [3, 4], 3: [5] }, only: { 2: [3, 4] } }[scope],
      );
    });

    it('reads pages of owners with their members', async () => {
      for (const scope of SCOPES) {
        const pages = [];
        for (let offset = 0; offset < 4; offset++) {
          pages.push(
            ...(await repository(Author, em.fork() as EntityManager)
              .scope(scope)
              .find({}, { populate: ['books.tags'], strategy, limit: 1, offset, orderBy: { books: { title: 1 } } })),
          );
        }
        expect(ids(pages)).toEqual({ active: [1, 3], with: [1, 2, 3], only: [2] }[scope]);
      }
    });
  });

  it.each(SCOPES)('pages by cursors in both directions under "%s"', async (scope) => {
    for (const [orderBy, populate] of [
      [{ title: 'desc' }, []],
      [{ author: { name: 'asc' }, id: 'desc' }, ['author']],
    ]) {
      const view = repository(Book).scope(scope);
      const all = await view.findByCursor({ first: 9, orderBy, populate } as never);
      const forward = [];
      let page = await view.findByCursor({ first: 2, orderBy, populate } as never);
      for (;;) {
        forward.push(...page.items.map(({ id }: any) => id));
        if (!page.hasNextPage) {
          break;
        }
        page = await view.findByCursor({ first: 2, after: page.endCursor!, orderBy, populate } as never);
      }
      expect(forward).toEqual(all.items.map(({ id }: any) => id));
      expect(forward.toSorted()).toEqual(BOOKS[scope]);
      const backward: number[] = [];
      page = await view.findByCursor({ last: 2, orderBy, populate } as never);
      for (;;) {
        backward.unshift(...page.items.map(({ id }: any) => id));
        if (!page.hasPrevPage) {
          break;
        }
        page = await view.findByCursor({ last: 2, before: page.startCursor!, orderBy, populate } as never);
      }
      expect(backward).toEqual(forward);
      expect(page.totalCount).toBe(BOOKS[scope].length);
    }
  });

  it.each([
    [{ $not: { books: { $none: { title: 'two' } } } }, [], [1]],
    [{ $and: [{ books: { $some: { title: 'one' } } }, { books: { $none: { title: 'two' } } }] }, [1], []],
    [{ $or: [{ books: { $size: 2 } }, { books: { $none: {} } }] }, [3], [1, 2]],
    [{ $not: { $or: [{ books: { $some: {} } }, { name: 'Bob' }] } }, [3], []],
    [{ $not: { books: { $every: { title: 'one' } } } }, [], [1, 2, 3]],
    // Without `$none`, a row of members that is not there does not match either: nobody has no title.
    [{ $and: [{ $not: { books: { title: 'two' } } }, { name: { $ne: 'Bob' } }] }, [1], [1, 3]],
    [{ books: { $some: { $or: [{ title: 'two' }, { tags: { $some: { name: 'blue' } } }] } } }, [], [1, 2]],
    [{ books: { $some: { $not: { chapters: { $some: { title: '1' } } } } } }, [], [1, 2, 3]],
    [{ reviews: { $some: { text: 'r' } }, books: { $size: { $gt: 0 } } }, [], [2]],
  ])('negates and combines conditions on members: %j', async (where, active, every) => {
    for (const [scope, expected] of [
      ['active', active],
      ['with', every],
    ] as const) {
      const manager = em.fork() as EntityManager;
      const authors = repository(Author, manager).scope(scope);
      const found = ids(await authors.find(structuredClone(where) as never));
      const counted = await authors.count(structuredClone(where) as never);
      const [listed, total] = await authors.findAndCount(structuredClone(where) as never, { limit: 9 });
      const built = ids(
        new Set(
          await authors
            .qb('a')
            .where(structuredClone(where) as never)
            .getResultList(),
        ),
      );
      expect([scope, found, counted, ids(listed), total, built]).toEqual([
        scope,
        expected,
        expected.length,
        expected,
        expected.length,
        expected,
      ]);
    }
  });

  describe.each(SCOPES)('the query builder under "%s"', (scope) => {
    const members = { active: { 1: [1], 3: [] }, with: { 1: [1, 2], 2: [3, 4], 3: [5] }, only: { 2: [3, 4] } }[scope];
    const qb = (alias = 'a') =>
      repository(Author)
        .scope(scope)
        .qb(alias as 'a');

    it('joins members and selects them', async () => {
      const found = await qb().leftJoinAndSelect('a.books', 'b').leftJoinAndSelect('b.tags', 't').getResultList();
      expect(Object.fromEntries(found.map((a) => [a.id, ids((a as Author).books)]))).toEqual(members);
      const again = await qb()
        .leftJoinAndSelect('a.books', 'b', { 'b.title': 'two' } as never)
        .getResultList();
      expect(again).toHaveLength(Object.keys(members).length);
    });

    it('joins members for a condition, inner or left, and counts', async () => {
      const titles = ['one', 'two', 'three', 'four', 'five'];
      const expected = Object.values(members).flat().length;
      const rows = await qb()
        .select(['a.id', 'b.title' as never])
        .innerJoin('a.books', 'b')
        .execute('all');
      expect(rows).toHaveLength(expected);
      expect(
        await qb()
          .innerJoin('a.books', 'b')
          .where({ 'b.title': { $in: titles } } as never)
          .getCount('a.id' as never, true),
      ).toBe(Object.values(members).filter((m) => m.length > 0).length);
      // Counted once each, as the ORM counts what is joined with the many.
      expect(await qb().leftJoin('a.books', 'b').getCount()).toBe(Object.keys(members).length);
      const none = await qb()
        .leftJoin('a.books', 'b')
        .where({ 'b.id': null } as never)
        .getResultList();
      expect(ids(none)).toEqual(
        Object.entries(members)
          .filter(([, m]) => m.length === 0)
          .map(([id]) => Number(id)),
      );
    });

    it('survives clones, pages, streams and single results', async () => {
      const original = qb().where({ id: { $gt: 0 } });
      expect(ids(await original.clone().getResultList())).toEqual(Object.keys(members).map(Number));
      expect(ids(await original.getResultList())).toEqual(Object.keys(members).map(Number));
      const paged = await qb()
        .leftJoinAndSelect('a.books', 'b')
        .orderBy({ 'a.id': 1 } as never)
        .limit(1)
        .getResultAndCount();
      expect([paged[0].length, paged[1]]).toEqual([1, Object.keys(members).length]);
      const single = await qb().orderBy({ id: 1 }).limit(1).getSingleResult();
      expect(single!.id).toBe(Number(Object.keys(members)[0]));
      const streamed = [];
      for await (const row of qb().orderBy({ id: 1 }).stream()) {
        streamed.push(row);
      }
      expect(ids(streamed)).toEqual(Object.keys(members).map(Number));
      const grouped = await qb().select(['name']).groupBy('name').execute('all');
      expect(grouped).toHaveLength(Object.keys(members).length);
    });

    it('restricts what is asked in a sub-query', async () => {
      const sub = qb('s').select('s.id' as never);
      const found = await em
        .createQueryBuilder(Author, 'o')
        .where({ id: { $in: sub } } as never)
        .getResultList();
      expect(ids(found)).toEqual(Object.keys(members).map(Number));
    });
  });

  it('populates entities of another scope by the scope at hand', async () => {
    const bob = await repository(Author).withDeleted().findOneOrFail(2);
    await em.populate(bob, ['books.tags']);
    expect([ids(bob.books), ids((bob.books as any)[0].tags)]).toEqual([[3], [1]]);
    await wrap(bob).populate(['books'], { filters: { softDelete: false } } as never);
    expect(ids(bob.books)).toEqual([3, 4]);
    await em.populate(bob, ['books']);
    expect(ids(bob.books)).toEqual([3]);
    await repository(Author).onlyDeleted().populate([bob], ['books.chapters']);
    expect(ids(bob.books)).toEqual([3, 4]);
    const review = await em.findOneOrFail(Review, 1, { populate: ['author.books'] });
    expect(ids(review.author!.books)).toEqual([3]);
  });

  it('matches with everything that a collection can be asked', async () => {
    const ada = await em.findOneOrFail(Author, 1);
    for (const scope of SCOPES) {
      const members = scope === 'active' ? [1] : [1, 2];
      await inScope(em, scope, async () => {
        expect(
          ids(
            await ada.books.matching({
              where: { title: { $ne: 'x' } },
              orderBy: { title: 1 },
              limit: 5,
              offset: 0,
              populate: ['tags'],
            } as never),
          ),
        ).toEqual(members);
        expect(await ada.books.loadCount({ where: { title: { $ne: 'x' } } })).toBe(members.length);
        expect(await ada.books.loadCount({ where: { tags: { $some: { name: 'blue' } } } })).toBe(
          scope === 'active' ? 0 : 1,
        );
        expect(ids(await ada.books.loadItems({ where: { title: { $ne: 'x' } }, refresh: true } as never))).toEqual(
          members,
        );
        await ada.books.init({ where: { title: 'two' } } as never);
        expect(ids(ada.books)).toEqual(scope === 'active' ? [] : [2]);
        await ada.books.init({ populate: ['tags'] } as never);
        expect(ids(ada.books)).toEqual(members);
      });
    }
  });

  it.each(['active', 'with'] as const)('takes populate hints of every kind under "%s"', async (scope) => {
    const books = scope === 'active' ? [1] : [1, 2];
    const read = (populate: string[], options: object = {}) =>
      repository(Author, em.fork() as EntityManager)
        .scope(scope)
        .findOneOrFail({ id: 1 }, { populate, ...options } as never) as Promise<Author>;
    expect(ids((await read(['*'])).books)).toEqual(books);
    expect(ids((await read(['books:ref'])).books)).toEqual(books);
    const mixed = await read(['books', 'books.tags'], {
      populateHints: { books: { strategy: 'select-in' }, 'books.tags': { strategy: 'joined' } },
    });
    expect(ids(mixed.books)).toEqual(books);
    expect(ids(mixed.books.getItems().find(({ id }) => id === 1)!.tags)).toEqual(scope === 'active' ? [1] : [1, 2]);
  });

  it('shows all rows behind the deleted ones, loaded one by one or by dataloaders', async () => {
    for (const dataloader of [false, true]) {
      const manager = em.fork() as EntityManager;
      await inScope(manager, 'only', async () => {
        const ada = await manager.findOneOrFail(Author, 1, { filters: { softDelete: false } });
        const book = await manager.findOneOrFail(Book, 2, { populate: ['author'] });
        expect(await ada.books.loadCount({ dataloader })).toBe(2);
        expect(await book.tags.loadCount({ dataloader })).toBe(1);
        expect(ids(await ada.books.loadItems({ dataloader }))).toEqual([1, 2]);
        expect(ids(await ada.books.matching({}))).toEqual([1, 2]);
        expect(ids(await book.tags.loadItems({ dataloader }))).toEqual([1]);
        expect(ids(await book.tags.matching({}))).toEqual([1]);
        expect(book.author.name).toBe('Ada');
      });
    }
  });

  it('loads by dataloaders what the filters of a query say', async () => {
    const book = await em.findOneOrFail(Book, 1);
    for (const members of [[1], [1, 2], [1]]) {
      const options = { dataloader: true, filters: { softDelete: members.length === 1 } };
      expect(ids(await book.tags.loadItems(options))).toEqual(members);
      expect(await book.tags.loadCount({ ...options, refresh: true })).toBe(members.length);
    }
  });

  it('reads virtual entities as they are written', async () => {
    for (const scope of SCOPES) {
      await inScope(em, scope, async () => {
        expect(ids(await em.find(RawTitle, {}))).toEqual([1, 2, 3, 4, 5]);
        expect(await em.count(RawTitle, { title: 'two' })).toBe(1);
        expect(ids(await em.find(ShownTitle, {}))).toEqual(BOOKS[scope]);
        expect(await em.count(ShownTitle, {})).toBe(BOOKS[scope].length);
      });
    }
  });

  it('orders by references to deleted rows without losing rows', async () => {
    const found = await em.find(Review, {}, { orderBy: { author: { name: 'asc' } } });
    expect(ids(found)).toEqual([1, 2]);
    const chapters = await em.find(Chapter, {}, { orderBy: { book: { author: { name: 'desc' } }, id: 1 }, limit: 10 });
    expect(chapters.map(({ id }) => id)).toEqual([3, 1, 2]);
    const tags = await em.find(Tag, {}, { orderBy: { books: { title: 'asc' } } });
    expect(ids(new Set(tags))).toEqual([1]);
  });

  it('locks rows that are read', async () => {
    await em.transactional(async (tx) => {
      expect(ids(await tx.find(Book, {}, { lockMode: 4 }))).toEqual(BOOKS.active);
      expect(await tx.findOne(Book, 2, { lockMode: 4 })).toBeNull();
      expect((await repository(Book, tx).withDeleted().findOne(2, { lockMode: 4 }))!.id).toBe(2);
    });
  });
});
