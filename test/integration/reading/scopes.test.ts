import { DataloaderType } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeletedScope, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { inScope } from '../../support/in-scope.js';
import { Author, Book, LIBRARY, Passport } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const ids = (items: Iterable<{ id: number }>) => [...items].map(({ id }) => id).toSorted((a, b) => a - b);

describe('scopes on one entity manager', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY, { resultCache: { expiration: 60_000 } });
    await test.database.query(`
      insert into author (name, deleted_at) values ('Ada', null), ('Bob', now()), ('Cid', null);
      insert into book (title, author_id, deleted_at) values ('one', 1, null), ('two', 1, now()), ('three', 2, null);
      insert into tag (name, deleted_at) values ('red', null), ('blue', now());
      insert into book_tags (book_id, tag_id) values (1, 1), (1, 2), (2, 1);
      insert into passport (number, author_id, deleted_at) values
        ('A', 1, now() - interval '1 day'), ('B', 1, null), ('C', 1, now()), ('D', 3, now()), ('E', 2, null);
    `);
  });
  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterEach(async () => {
    // Whatever a test reads, under whatever scopes: nothing is a change.
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  });
  afterAll(() => test.close());

  const authors = (manager = em) => manager.getRepository(Author) as SoftDeleteRepository<Author>;
  const repository = () => em.getRepository(Book) as SoftDeleteRepository<Book>;
  const TURNS: DeletedScope[] = ['active', 'with', 'active', 'with', 'with', 'active'];
  const ADA: Record<string, unknown> = {
    active: { books: [1], tags: [1], passport: 'B' },
    with: { books: [1, 2], tags: [1, 2], passport: 'B' },
  };
  const shown = (author: Author) => ({
    books: ids(author.books),
    tags: ids(author.books.getItems().find(({ id }) => id === 1)!.tags),
    passport: author.passport?.number,
  });

  describe.each(['joined', 'select-in', 'balanced'] as const)('%s', (strategy) => {
    const populate = ['books.tags', 'passport'] as const;

    it.each([TURNS, TURNS.toReversed()])('reads collections again under each scope: %s, %s, …', async (...turns) => {
      for (const scope of turns as DeletedScope[]) {
        const [ada] = await authors().scope(scope).find({ id: 1 }, { populate, strategy });
        expect([scope, shown(ada as Author)]).toEqual([scope, ADA[scope]]);
      }
      for (const scope of turns as DeletedScope[]) {
        const ada = await authors().scope(scope).findOneOrFail(1, { populate, strategy });
        expect([scope, shown(ada as Author)]).toEqual([scope, ADA[scope]]);
      }
      for (const scope of turns as DeletedScope[]) {
        const ada = await inScope(em, scope, () => em.findOneOrFail(Author, 1, { populate, strategy }));
        expect([scope, shown(ada as Author)]).toEqual([scope, ADA[scope]]);
      }
    });

    it('reads the other side of a one-to-one relation again', async () => {
      for (const scope of TURNS) {
        const cid = await authors()
          .scope(scope)
          .findOneOrFail(3, { populate: ['passport'], strategy });
        expect([scope, cid.passport?.number]).toEqual([scope, scope === 'active' ? undefined : 'D']);
      }
    });
  });

  it('populates entities that are there already', async () => {
    const [ada, cid] = await authors().find({ id: [1, 3] }, { orderBy: { id: 1 } });
    for (const scope of TURNS) {
      await authors().scope(scope).populate([ada!, cid!], ['books.tags', 'passport']);
      expect([scope, shown(ada!)]).toEqual([scope, ADA[scope]]);
      expect([scope, cid!.passport?.number]).toEqual([scope, scope === 'active' ? undefined : 'D']);
    }
    await em.populate(ada!, ['books'], { filters: { softDelete: false } });
    expect(ids(ada!.books)).toEqual([1, 2]);
    await em.populate(ada!, ['books']);
    expect(ids(ada!.books)).toEqual([1]);
  });

  it('loads, counts and matches a collection that another scope has loaded', async () => {
    const ada = await em.findOneOrFail(Author, 1);
    const { books } = ada;
    for (const scope of TURNS) {
      const members = scope === 'active' ? [1] : [1, 2];
      await inScope(em, scope, async () => {
        expect(ids(await books.loadItems())).toEqual(members);
        expect(await books.loadCount()).toBe(members.length);
        expect(ids(await books.matching({}))).toEqual(members);
        expect(ids(await books.init())).toEqual(members);
      });
    }
    for (const off of [true, false, true]) {
      await books.load({ filters: { softDelete: !off } });
      expect(ids(books)).toEqual(off ? [1, 2] : [1]);
    }
  });

  it('reads no row again that looks the same under the scope, whatever it references', async () => {
    const three = await em.findOneOrFail(Book, 3, { populate: ['author'] });
    expect(three.author.deletedAt).toBeInstanceOf(Date);
    const scoped = () => inScope(em, 'with', () => em.findOneOrFail(Book, 1));
    const one = await scoped();
    test.statements.length = 0;
    expect(await em.findOneOrFail(Book, 3)).toBe(three);
    expect(await scoped()).toBe(one);
    expect(test.statements).toEqual([]);
  });

  it('counts anew where it is told to', async () => {
    const { books } = await em.findOneOrFail(Author, 1);
    expect(await books.loadCount()).toBe(1);
    await test.database.query("insert into book (id, title, author_id) values (99, 'new', 1)");
    try {
      expect(await books.loadCount()).toBe(1);
      expect(await books.loadCount(true)).toBe(2);
      expect(await books.loadCount({ refresh: true, where: { title: 'new' } })).toBe(1);
    } finally {
      await test.database.query('delete from book where id = 99');
    }
  });

  it('keeps what one scope counts from another', async () => {
    const ada = await em.findOneOrFail(Author, 1);
    for (const scope of TURNS) {
      expect(await inScope(em, scope, () => ada.books.loadCount())).toBe(scope === 'active' ? 1 : 2);
    }
  });

  it('shows all rows behind the relations of deleted ones', async () => {
    const [book] = await inScope(em, 'only', () => em.find(Book, {}, { populate: ['author.books', 'tags'] }));
    expect(book!.id).toBe(2);
    expect(ids(book!.author.books)).toEqual([1, 2]);
    expect(ids(book!.tags)).toEqual([1]);
  });

  it('asks for nothing that the same scope has loaded', async () => {
    for (const [scope, strategy] of [
      ['active', 'joined'],
      ['with', 'joined'],
      ['active', 'select-in'],
      ['with', 'select-in'],
    ] as const) {
      const manager = test.orm.em.fork() as EntityManager;
      const options = { populate: ['books', 'passport'], strategy } as const;
      test.statements.length = 0;
      const [ada] = await authors(manager).scope(scope).find({ id: 1 }, options);
      const first = test.statements.length;
      expect(first).toBe(strategy === 'joined' ? 1 : 2);
      await authors(manager).scope(scope).populate([ada!], ['books', 'passport']);
      await inScope(manager, scope, () => (ada as Author).books.load());
      expect(test.statements).toHaveLength(first);
    }
  });

  it('keeps a deleted row out of a loaded collection when it comes into memory by itself', async () => {
    const ada = await em.findOneOrFail(Author, 1, { populate: ['books'] });
    await repository().withDeleted().find({});
    expect(ids(ada.books)).toEqual([1]);
    expect(ada.books.isDirty()).toBe(false);
    await em.find(Passport, {}, { filters: { softDelete: false } });
    expect(ada.passport!.id).toBe(2);
  });

  it('answers findOne() by the scope, whatever the identity map holds', async () => {
    expect(await repository().findOne(2)).toBeNull();
    expect((await repository().withDeleted().findOne(2))!.id).toBe(2);
    expect(await repository().findOne(2)).toBeNull();
    expect(await repository().onlyDeleted().findOne(1)).toBeNull();
    expect((await repository().findOne(1))!.id).toBe(1);
    expect(await repository().onlyDeleted().findOne(1)).toBeNull();
    expect(await inScope(em, 'only', () => em.findOne(Book, 1))).toBeNull();
    expect((await inScope(em, 'only', () => em.findOne(Book, 2)))!.id).toBe(2);
  });

  it('leaves a collection with unsaved changes as it is', async () => {
    // Otherwise the query itself would save them first.
    const manager = test.orm.em.fork({ flushMode: 'commit' }) as EntityManager;
    const ada = await manager.findOneOrFail(Author, 1, { populate: ['books'] });
    const draft = manager.create(Book, { title: 'new', author: ada });
    for (const scope of TURNS) {
      await inScope(manager, scope, () => manager.populate(ada, ['books']));
      expect(ada.books.contains(draft)).toBe(true);
    }
    await manager.flush();
    expect(await test.database.query(`select author_id from book where title = 'new'`)).toEqual([{ author_id: 1 }]);
    expect(ids(ada.books)).toEqual([1, draft.id]);
    await test.database.query(`delete from book where title = 'new'`);
  });

  it('serialises what a view has loaded outside of its scope', async () => {
    const [ada] = await authors()
      .withDeleted()
      .find({ id: 1 }, { populate: ['books'] });
    expect(JSON.parse(JSON.stringify(ada)).books.map(({ id }: Book) => id)).toEqual([1, 2]);
  });

  it('reads under each scope what was deleted meanwhile', async () => {
    const manager = test.orm.em.fork() as EntityManager;
    await test.database.query(`insert into book (id, title, author_id) values (50, 'fifty', 1)`);
    const ada = await authors(manager)
      .withDeleted()
      .findOneOrFail(1, { populate: ['books'] });
    await (manager.getRepository(Book) as SoftDeleteRepository<Book>).softDelete(50);
    for (const _again of [1, 2]) {
      await authors(manager)
        .withDeleted()
        .populate([ada as Author], ['books']);
      expect(ids(ada.books)).toEqual([1, 2, 50]);
      await authors(manager).populate([ada as Author], ['books']);
      expect(ids(ada.books)).toEqual([1]);
    }
    await test.database.query('delete from book where id = 50');
  });

  describe('the result cache', () => {
    const count = async (read: () => Promise<unknown[]>) => (await read()).length;

    it.each([
      ['a name', ['books', 1_000]],
      ['no name', 1_000],
    ])('keeps what the scopes read apart, under %s', async (_kind, cache) => {
      const manager = () => test.orm.em.fork() as EntityManager;
      const find = (scope: DeletedScope) =>
        inScope(em, scope, () => manager().find(Book, {}, { cache: cache as never }));
      const off = () => manager().find(Book, {}, { cache: cache as never, filters: { softDelete: false } });
      for (const _again of [1, 2]) {
        expect(await count(() => find('active'))).toBe(2);
        expect(await count(() => find('with'))).toBe(3);
        expect(await count(() => find('only'))).toBe(1);
        expect(await count(off)).toBe(3);
        expect(test.statements.length).toBeLessThanOrEqual(4);
      }
      const books = manager().getRepository(Book) as SoftDeleteRepository<Book>;
      expect(await count(() => books.onlyDeleted().find({}, { cache: cache as never }))).toBe(1);
      expect(await count(() => books.find({}, { cache: cache as never }))).toBe(2);
    });

    it.each([
      ['a name', ['books', 60_000]],
      ['no name', 60_000],
    ])('keeps what the scopes read apart where everything is cached, under %s', async (_kind, global) => {
      const cached = await createTestOrm(LIBRARY, { resultCache: { global: global as never } });
      try {
        await cached.database.query(`
          insert into author (id, name) values (1, 'Ada');
          insert into book (id, title, author_id, deleted_at) values (1, 'a', 1, null), (2, 'b', 1, now()), (3, 'c', 1, null)`);
        const find = (scope: DeletedScope) => {
          const manager = cached.orm.em.fork() as EntityManager;
          return inScope(manager, scope, () => manager.find(Book, {}));
        };
        for (const _again of [1, 2]) {
          expect(await count(() => find('active'))).toBe(2);
          expect(await count(() => find('with'))).toBe(3);
          expect(await count(() => find('only'))).toBe(1);
        }
        expect(cached.statements).toHaveLength(3);
      } finally {
        await cached.close();
      }
    });

    it('forgets a name under all scopes', async () => {
      const find = () => (test.orm.em.fork() as EntityManager).find(Book, {}, { cache: ['shelf', 1_000] });
      for (const _again of [1, 2]) {
        test.statements.length = 0;
        for (const scope of ['active', 'with', 'only'] as const) {
          await inScope(em, scope, find);
        }
        expect(test.statements).toHaveLength(3);
        await em.clearCache('shelf');
      }
    });
  });

  describe('dataloaders', () => {
    it('batches what one scope asks for, apart from what another does', async () => {
      const loader = await createTestOrm(LIBRARY, { dataloader: DataloaderType.ALL });
      try {
        await loader.database.query(`
          insert into author (name) values ('Ada'), ('Bob');
          insert into book (title, author_id, deleted_at) values ('one', 1, null), ('two', 1, now()), ('three', 2, now());
          insert into tag (name, deleted_at) values ('red', null), ('blue', now());
          insert into book_tags (book_id, tag_id) values (1, 1), (1, 2);
        `);
        const manager = loader.orm.em.fork() as EntityManager;
        const [ada, bob] = await manager.find(Author, {}, { orderBy: { id: 1 } });
        loader.statements.length = 0;
        const [one, two, three] = await Promise.all([
          inScope(manager, 'with', () => ada!.books.loadItems()),
          inScope(manager, 'active', () => bob!.books.loadItems()),
          inScope(manager, 'with', () => bob!.books.loadCount()),
        ]);
        expect([ids(one), ids(two), three]).toEqual([[1, 2], [], 1]);
        expect(ids(await ada!.books.loadItems())).toEqual([1]);
        const counts = await Promise.all([
          ada!.books.loadCount({ refresh: true }),
          bob!.books.loadCount({ refresh: true }),
        ]);
        expect(counts).toEqual([1, 0]);
        const book = await manager.findOneOrFail(Book, 1);
        expect(ids(await book.tags.loadItems())).toEqual([1]);
        expect(ids(await inScope(manager, 'with', () => book.tags.loadItems()))).toEqual([1, 2]);
        expect(await book.tags.loadCount({ refresh: true })).toBe(1);
      } finally {
        await loader.close();
      }
    });
  });
});
