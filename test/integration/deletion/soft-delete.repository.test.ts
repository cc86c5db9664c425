import type { EntityManager } from '@mikro-orm/postgresql';
import {
  DeletedRowError,
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeleteConfigError,
  type SoftDeleteEvent,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/metadata/installation.js';
import {
  Account,
  Author,
  Book,
  Chapter,
  LIBRARY,
  LIBRARY_INDEXES,
  Member,
  Passport,
  Review,
} from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe(SoftDeleteRepository.name, () => {
  let test: TestOrm;
  let em: EntityManager;
  let events: SoftDeleteEvent[];

  beforeAll(async () => {
    test = await createTestOrm(LIBRARY);
    for (const index of LIBRARY_INDEXES) {
      await test.database.query(index);
    }
    getInstallation(test.orm.em).events.stream$.subscribe((event) => events.push(event));
  });

  beforeEach(async () => {
    events = [];
    await test.database.query(
      'truncate author, book, chapter, draft, loan, review, note, passport, tag, account, member, book_tags restart identity cascade',
    );
    await test.database.query(`
      insert into author (name) values ('Ada'), ('Bob');
      insert into book (title, author_id) values ('one', 1), ('two', 1), ('other', 2);
      insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 3);
      insert into draft (title, author_id) values ('d1', 1);
      insert into review (text, author_id) values ('r1', 1);
      insert into passport (number, author_id) values ('P1', 1);
    `);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });

  afterAll(() => test.close());

  const repo = <E extends object>(entity: new () => E) =>
    em.getRepository(entity) as unknown as SoftDeleteRepository<E>;
  const rows = (table: string) => test.database.query(`select *, deleted_at::text as time from ${table} order by id`);
  const deleted = async (table: string) => (await rows(table)).map((row) => row.deleted_at !== null);

  describe('softDelete', () => {
    it('deletes by key, list, entity and condition, with everything it cascades to', async () => {
      const result = await repo(Author).softDelete(1);
      expect(result).toEqual({
        deletedAt: expect.any(Date),
        affected: { Author: 1, Book: 2, Chapter: 2, Draft: 1, Passport: 1 },
        total: 7,
      });
      expect(await repo(Chapter).softDelete([3])).toMatchObject({ total: 1 });
      expect(await repo(Book).softDelete(em.getReference(Book, 3))).toMatchObject({ affected: { Book: 1 } });
      expect(await repo(Author).softDelete({ name: { $like: 'B%' } })).toMatchObject({ total: 1 });
      expect(await repo(Author).softDelete([])).toMatchObject({ affected: {}, total: 0 });
      expect(await deleted('author')).toEqual([true, true]);
      expect(await deleted('review')).toEqual([false]);
    });

    it('takes conditions on relations', async () => {
      expect(await repo(Book).softDelete({ author: { name: 'Ada' } })).toMatchObject({
        affected: { Book: 2, Chapter: 2 },
      });
    });

    it('leaves rows alone that are deleted already', async () => {
      await test.database.query(`update book set deleted_at = '2020-01-01' where id = 1`);
      expect(await repo(Author).softDelete(1)).toMatchObject({ affected: { Book: 1, Chapter: 1 } });
      expect((await rows('book'))[0].time).toBe('2020-01-01 00:00:00+00');
      expect(await repo(Author).softDelete(1)).toMatchObject({ total: 0 });
    });

    it.each([undefined, null, { name: undefined }, [undefined], { author: { name: undefined } }])(
      'refuses %p before anything is written',
      async (target) => {
        await expect(repo(Author).softDelete(target as never)).rejects.toThrow(SoftDeleteConfigError);
        expect(test.statements).toEqual([]);
      },
    );

    it('changes nothing while an active row restricts it, and leaves the transaction usable', async () => {
      await test.database.query('insert into loan (author_id) values (1)');
      await em.transactional(async (tx) => {
        const authors = tx.getRepository(Author) as unknown as SoftDeleteRepository<Author>;
        await expect(authors.softDelete(1)).rejects.toThrow(DeletionRestrictedError);
        await authors.softDelete(2);
      });
      expect(await deleted('author')).toEqual([false, true]);
      expect(await deleted('book')).toEqual([false, false, true]);
    });

    it('marks managed entities and takes them out of loaded collections', async () => {
      const author = await em.findOneOrFail(Author, 1, { populate: ['books.chapters'] });
      const [one] = author.books.getItems();
      await repo(Book).softDelete({ title: 'one' });
      expect(one!.deletedAt).toBeInstanceOf(Date);
      expect(author.books.getItems().map(({ id }) => id)).toEqual([2]);
      expect(await em.findOne(Book, 1)).toBeNull();
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    it('keeps the version of managed entities in step', async () => {
      await test.database.query(`insert into account (email, version) values ('a@b.c', 1)`);
      const account = await em.findOneOrFail(Account, 1);
      await repo(Account).softDelete(1);
      expect(account.version).toBe(2);
      await repo(Account).restore(1);
      expect(account.version).toBe(3);
      account.email = 'd@e.f';
      await em.flush();
      expect(await rows('account')).toMatchObject([{ email: 'd@e.f', version: 4, deleted_at: null }]);
    });

    it('loads no key of what it deletes, in one statement per entity and level', async () => {
      await test.database.query(`
        insert into author (name) select 'x' from generate_series(1, 1000);
        insert into book (title, author_id) select 'x', id from author, generate_series(1, 10) where name = 'x';
        insert into chapter (title, book_id) select 'x', id from book, generate_series(1, 10) where title = 'x';
        analyze author, book, chapter`);
      test.statements.length = 0;
      expect(await repo(Author).softDelete({ name: 'x' })).toMatchObject({ total: 111_000 });
      expect(test.statements.filter((sql) => sql.startsWith('update'))).toHaveLength(5);
      expect(test.statements.filter((sql) => sql.includes('returning'))).toEqual([]);
    });

    it('gives two operations of one transaction different times', async () => {
      await em.transactional(async (tx) => {
        const books = tx.getRepository(Book) as unknown as SoftDeleteRepository<Book>;
        await books.softDelete(1);
        await books.softDelete(2);
      });
      const [one, two] = await rows('book');
      expect(one.time).not.toBe(two.time);
    });
  });

  describe('restore', () => {
    it('brings back exactly the unit', async () => {
      await repo(Book).softDelete(2);
      await repo(Author).softDelete(1);
      expect(await repo(Author).restore(1)).toEqual({
        affected: { Author: 1, Book: 1, Chapter: 1, Draft: 1, Passport: 1 },
        total: 5,
      });
      expect(await deleted('book')).toEqual([false, true, false]);
      expect(await deleted('chapter')).toEqual([false, true, false]);
      expect(await repo(Author).restore(1)).toEqual({ affected: {}, total: 0 });
    });

    it('brings back what is below a row in the middle of a unit only together with its parents', async () => {
      await repo(Author).softDelete(1);
      const restore = repo(Chapter).restore(1);
      await expect(restore).rejects.toThrow(RestoreConflictError);
      await expect(restore).rejects.toMatchObject({
        conflicts: [
          { reason: 'parent-deleted', entity: 'Chapter', key: 1, constraint: 'Book.chapters', conflictingKey: 1 },
        ],
      });
      expect(await repo(Chapter).restore(1, { withParents: true })).toEqual({
        affected: { Chapter: 1, Book: 1, Author: 1 },
        total: 3,
      });
      expect(await deleted('book')).toEqual([false, true, false]);
      expect(await deleted('draft')).toEqual([true]);
    });

    it('reports every unique value that is taken at once, and changes nothing', async () => {
      await test.database.query(`
        insert into account (email, version, deleted_at) values ('a@b.c', 1, '2020-01-01'), ('d@e.f', 1, '2020-01-01'), ('g@h.i', 1, '2020-01-01');
        insert into account (email, version) values ('a@b.c', 1), ('d@e.f', 1);
      `);
      const accounts = await repo(Account).onlyDeleted().findAll();
      const restore = repo(Account).restore({});
      await expect(restore).rejects.toMatchObject({
        code: 'RESTORE_CONFLICT',
        conflicts: [
          {
            reason: 'unique',
            entity: 'Account',
            key: 1,
            constraint: 'account_email',
            properties: ['email'],
            conflictingKey: 4,
          },
          {
            reason: 'unique',
            entity: 'Account',
            key: 2,
            constraint: 'account_email',
            properties: ['email'],
            conflictingKey: 5,
          },
        ],
      });
      expect(await deleted('account')).toEqual([true, true, true, false, false]);
      expect(accounts.every((account) => account.deletedAt)).toBe(true);
    });

    it('reports rows that would be in each other’s way', async () => {
      await test.database.query(`
        insert into account (email, version, deleted_at) values ('a@b.c', 1, '2020-01-01'), ('a@b.c', 1, '2020-01-02');
      `);
      await expect(repo(Account).restore({})).rejects.toMatchObject({ conflicts: [{ key: 1, conflictingKey: 2 }] });
      expect(await repo(Account).restore(2)).toMatchObject({ total: 1 });
    });

    it('reports the foreign key of a one-to-one relation that was used again', async () => {
      await repo(Passport).softDelete(1);
      await test.database.query(`insert into passport (number, author_id) values ('P2', 1)`);
      await expect(repo(Passport).restore(1)).rejects.toMatchObject({
        conflicts: [
          { reason: 'unique', constraint: 'passport_author', properties: ['author'], key: 1, conflictingKey: 2 },
        ],
      });
    });

    it('shows restored rows in collections that were loaded before', async () => {
      const author = await em.findOneOrFail(Author, 1, { populate: ['books.chapters'] });
      const [one, two] = author.books.getItems();
      await repo(Book).softDelete([1, 2]);
      expect(author.books).toHaveLength(0);
      await repo(Book).restore([1, 2]);
      expect(new Set(author.books.getItems()).has(one!) && author.books.contains(two!)).toBe(true);
      expect(one!.deletedAt).toBeNull();
      expect(await em.findOne(Book, 1)).toBe(one);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    it('shows restored rows that were never loaded in collections that were', async () => {
      await repo(Book).softDelete(1);
      const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
      expect(author.books).toHaveLength(1);
      await repo(Book).restore(1);
      await author.books.load();
      expect(
        author.books
          .getItems()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([1, 2]);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    it('leaves memory as it was when the surrounding transaction rolls back', async () => {
      await repo(Author).softDelete(1);
      const author = await repo(Author).withDeleted().findOneOrFail(1);
      await expect(
        em.transactional(async (tx) => {
          await (tx.getRepository(Author) as unknown as SoftDeleteRepository<Author>).restore(1);
          expect(author.deletedAt).toBeNull();
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      expect(author.deletedAt).toBeInstanceOf(Date);
      expect(await em.findOne(Author, 1)).toBeNull();
    });
  });

  describe('hardDelete', () => {
    it('removes rows, deleted or not, with everything behind cascade relations, children first', async () => {
      await repo(Book).softDelete(1);
      await test.database.query('delete from review');
      expect(await repo(Author).hardDelete(1)).toBe(7);
      expect((await rows('author')).map(({ id }) => id)).toEqual([2]);
      expect((await rows('chapter')).map(({ id }) => id)).toEqual([3]);
    });

    it('removes nothing while another row references one of them', async () => {
      await expect(repo(Author).hardDelete(1)).rejects.toMatchObject({
        code: 'DELETION_RESTRICTED',
        restrictions: [{ entity: 'Review', count: 1 }],
      });
      expect(await rows('author')).toHaveLength(2);
      expect(await rows('chapter')).toHaveLength(3);
    });

    it('lets memory forget what it removed', async () => {
      const review = await em.findOneOrFail(Review, 1);
      await repo(Review).hardDelete(review);
      expect(await repo(Review).withDeleted().findOne(1)).toBeNull();
      await em.flush();
      expect(await rows('review')).toEqual([]);
    });
  });

  describe('nativeDelete and nativeUpdate', () => {
    it('deletes softly and updates active rows only', async () => {
      expect(await repo(Book).nativeDelete({ author: 1 })).toBe(2);
      expect(await deleted('book')).toEqual([true, true, false]);
      expect(await repo(Book).nativeUpdate({}, { title: 'new' })).toBe(1);
      expect((await rows('book')).map(({ title }) => title)).toEqual(['one', 'two', 'new']);
    });
  });

  describe('upsert and upsertMany', () => {
    it('update the active row with the same unique value and leave deleted ones alone', async () => {
      await test.database.query(`
        insert into member (email, name, deleted_at) values ('a@b.c', 'gone', '2020-01-01');
        insert into member (email, name) values ('a@b.c', 'old');`);
      const member = await repo(Member).upsert({ email: 'a@b.c', name: 'new' });
      expect(member).toMatchObject({ id: 2, name: 'new' });
      expect((await rows('member')).map(({ name }) => name)).toEqual(['gone', 'new']);
      await repo(Member).softDelete(2);
      const other = test.orm.em.fork().getRepository(Member) as unknown as SoftDeleteRepository<Member>;
      const many = await other.upsertMany([
        { email: 'a@b.c', name: 'third' },
        { email: 'd@e.f', name: 'fourth' },
      ]);
      expect(many.map(({ name }) => name)).toEqual(['third', 'fourth']);
      expect((await rows('member')).map(({ name }) => name)).toEqual(['gone', 'new', 'third', 'fourth']);
    });

    it('refuse the key of a deleted row', async () => {
      await test.database.query(`insert into member (email, name, deleted_at) values ('a@b.c', 'gone', '2020-01-01')`);
      await expect(repo(Member).upsert({ id: 1, email: 'x@y.z', name: 'new' })).rejects.toThrow(DeletedRowError);
      await expect(repo(Member).upsertMany([{ id: 1, email: 'x@y.z', name: 'new' }])).rejects.toThrow(/is deleted/);
      expect(await rows('member')).toMatchObject([{ name: 'gone', email: 'a@b.c' }]);
      expect(await repo(Member).upsert({ id: 7, email: 'x@y.z', name: 'new' })).toMatchObject({ id: 7 });
    });
  });

  describe('restoreOrCreate', () => {
    it('returns the active row, else restores the newest deleted one, else creates', async () => {
      const first = await repo(Account).restoreOrCreate({ email: 'a@b.c' }, { email: 'a@b.c' });
      expect(first).toMatchObject({ restored: false, entity: { id: 1 } });
      expect(await repo(Account).restoreOrCreate({ email: 'a@b.c' }, { email: 'a@b.c' })).toEqual(first);
      await repo(Account).softDelete(1);
      await test.database.query(`insert into account (email, version, deleted_at) values ('a@b.c', 1, '2020-01-01')`);
      const again = await repo(Account).restoreOrCreate({ email: 'a@b.c' }, { email: 'a@b.c' });
      expect(again).toMatchObject({ restored: true, entity: { id: 1, deletedAt: null } });
    });

    it('gives callers that race the same row', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, () => {
          const accounts = test.orm.em.fork().getRepository(Account) as unknown as SoftDeleteRepository<Account>;
          return accounts.restoreOrCreate({ email: 'x@y.z' }, { email: 'x@y.z' });
        }),
      );
      expect(new Set(results.map(({ entity }) => entity.id)).size).toBe(1);
      expect(await rows('account')).toHaveLength(1);
    });
  });

  describe('events', () => {
    it('are emitted after the outermost commit', async () => {
      await em.transactional(async (tx) => {
        await (tx.getRepository(Author) as unknown as SoftDeleteRepository<Author>).softDelete(1, {
          actor: 'me',
          reason: 'asked to',
        });
        expect(events).toEqual([]);
      });
      expect(events).toContainEqual({
        type: 'deleted',
        entity: 'Book',
        count: 2,
        deletedAt: expect.any(Date),
        actor: 'me',
        reason: 'asked to',
      });
      events = [];
      await repo(Author).restore(1);
      expect(events.map(({ type, entity, count }) => [type, entity, count])).toContainEqual(['restored', 'Book', 2]);
    });

    it('are not emitted for what was rolled back, a savepoint included', async () => {
      await em.transactional(async (tx) => {
        await tx
          .transactional(async (inner) => {
            await (inner.getRepository(Book) as unknown as SoftDeleteRepository<Book>).softDelete(1);
            throw new Error('inner');
          })
          .catch(() => undefined);
        tx.remove(tx.getReference(Book, 2));
      });
      expect(events.map(({ entity, keys, count }) => ({ entity, keys, count }))).toEqual([
        { entity: 'Book', keys: [2], count: 1 },
        { entity: 'Chapter', keys: undefined, count: 1 },
      ]);
    });
  });
});
