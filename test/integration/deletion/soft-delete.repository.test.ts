import type { EntityManager } from '@mikro-orm/postgresql';
import {
  DeletedRowError,
  DeletionRestrictedError,
  SoftDeleteConfigError,
  type SoftDeleteEvent,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
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
  Tag,
} from '../../support/library.js';
import { inScope } from '../../support/in-scope.js';
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

    it.each([
      [undefined, 'undefined is not a target.'],
      [null, 'null is not a target.'],
      [{ name: undefined }, "the condition's name is undefined."],
      [[undefined], "the condition's 0 is undefined."],
      [[1, null], "the condition's 1 is undefined."],
      [{ author: { name: undefined } }, "the condition's author.name is undefined."],
      [{ $or: [{ id: 1 }, { name: undefined }] }, "the condition's $or.1.name is undefined."],
    ])('refuses %p before anything is written', async (target, problem) => {
      const advice = 'Pass a primary key, an entity, a list of either, or a condition; {} means every row.';
      for (const [operation, run] of [
        ['softDelete', () => repo(Author).softDelete(target as never)],
        ['restore', () => repo(Author).restore(target as never)],
        ['hardDelete', () => repo(Author).hardDelete(target as never)],
      ] as const) {
        const error = await run().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(SoftDeleteConfigError);
        expect(error).toMatchObject({ option: `${operation}()`, problem, advice });
      }
      expect(test.statements).toEqual([]);
    });

    it('refuses options that it does not know, and of the wrong type, by the name of what was called', async () => {
      const author = repo(Author);
      for (const [operation, run] of [
        ['softDelete', (options: object) => author.softDelete(1, options)],
        ['restore', (options: object) => author.restore(1, options)],
        ['hardDelete', (options: object) => author.hardDelete(1, options)],
      ] as const) {
        for (const dryRun of [undefined, true]) {
          const refused = async (options: object) => run({ ...options, dryRun } as never);
          await expect(refused({ reson: 'x' })).rejects.toThrow(`${operation}(), reson: there is no such option`);
          await expect(refused({ reason: 7 })).rejects.toThrow(`${operation}(), reason: 7 is not text.`);
          await expect(refused({ actor: '' })).rejects.toThrow(`${operation}(), actor: "" is not text.`);
        }
        await expect((async () => run({ dryRun: 'yes' }))()).rejects.toThrow(`${operation}(), dryRun: "yes" is not`);
      }
      expect(test.statements).toEqual([]);
    });

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

    it('loads no key of what it deletes, in one statement per entity and level', async () => {
      await test.database.query(`
        insert into author (name) select 'x' from generate_series(1, 1000);
        insert into book (title, author_id) select 'x', id from author, generate_series(1, 10) where name = 'x';
        insert into chapter (title, book_id) select 'x', id from book, generate_series(1, 10) where title = 'x';
        analyze author, book, chapter`);
      test.statements.length = 0;
      expect(await repo(Author).softDelete({ name: 'x' })).toMatchObject({ total: 111_000 });
      expect(test.statements.filter((sql) => sql.startsWith('with "soft-delete:updated" as ('))).toHaveLength(5);
      expect(test.statements.filter((sql) => /returning (?!\S+ is distinct from )/.test(sql))).toEqual([]);
      // Somebody listens to the events here, which name few rows.
      const untold = () => test.statements.filter((sql) => !sql.startsWith('select c."id" as "soft-delete:0"'));
      const many = untold().length;
      await test.database.query(`
        insert into author (name) values ('y');
        insert into book (title, author_id) select 'y', id from author where name = 'y';
        insert into chapter (title, book_id) select 'y', id from book where title = 'y'`);
      test.statements.length = 0;
      expect(await repo(Author).softDelete({ name: 'y' })).toMatchObject({ total: 3 });
      expect(untold()).toHaveLength(many);
    });
  });

  describe('restore', () => {
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

    it('reports a value that was taken between the check and the restoration', async () => {
      await test.database.query(`insert into member (email, name, deleted_at) values ('a@b.c', 'gone', now())`);
      const other = await test.database.connect();
      await other.query('begin');
      await other.query(`insert into member (email, name) values ('a@b.c', 'new')`);
      const restore = repo(Member).restore(1);
      const outcome = restore.catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await other.query('commit');
      await other.end();
      expect(await outcome).toMatchObject({
        code: 'RESTORE_CONFLICT',
        conflicts: [{ reason: 'unique', entity: 'Member', key: 1, conflictingKey: 2, properties: ['email'] }],
      });
    });

    it.each([
      ['a unique expression', `create unique index tag_name on tag (name, coalesce(deleted_at, '-infinity'))`],
      [
        'a deferred unique constraint',
        `alter table tag add constraint tag_name unique nulls not distinct (name, deleted_at) deferrable initially deferred`,
      ],
      [
        'an exclusion constraint',
        `alter table tag add constraint tag_name exclude using btree (name with =) where (deleted_at is null)`,
      ],
      ['a partial unique expression', `create unique index tag_name on tag (lower(name)) where deleted_at is null`],
    ])('finds the row that is in the way by %s before anything is written', async (_what, sql) => {
      await test.database.query(`insert into tag (name) values ('t')`);
      await test.database.query(sql);
      try {
        await repo(Tag).softDelete(1);
        await test.database.query(`insert into tag (name) values ('t')`);
        test.statements.length = 0;
        await expect(repo(Tag).restore(1)).rejects.toMatchObject({
          conflicts: [{ reason: 'unique', entity: 'Tag', key: 1, constraint: 'tag_name', conflictingKey: 2 }],
        });
        expect(test.statements.filter((statement) => statement.startsWith('update'))).toEqual([]);
      } finally {
        await test.database.query('alter table tag drop constraint if exists tag_name; drop index if exists tag_name');
      }
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
      // The first row decides by which key conflicts are resolved; the keys of the others count all the same.
      await expect(
        repo(Member).upsertMany([
          { email: 'n@e.w', name: 'new' },
          { id: 5, email: 'o@t.h', name: 'new' },
          { id: 1, email: 'x@y.z', name: 'new' },
        ]),
      ).rejects.toThrow('Member {"id":1} is deleted');
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

    it('restores the deleted row in a request that sees deleted rows, whatever the type of its key', async () => {
      await test.database.query(`insert into account (email, version, deleted_at) values ('a@b.c', 1, '2020-01-01')`);
      const made = inScope(em, 'with', () => repo(Account).restoreOrCreate({ id: 1n as never }, { email: 'a@b.c' }));
      expect(await made).toMatchObject({ restored: true, entity: { id: 1, deletedAt: null } });
      expect(await rows('account')).toMatchObject([{ id: 1, deleted_at: null }]);
    });

    it('gives the same row to callers that describe it differently, and to those who insert it themselves', async () => {
      const conditions = [{ email: 'x@y.z' }, { email: { $eq: 'x@y.z' } }, { $and: [{ email: 'x@y.z' }] }];
      const results = await Promise.all(
        conditions.map((where) => {
          const accounts = test.orm.em.fork().getRepository(Account) as unknown as SoftDeleteRepository<Account>;
          return accounts.restoreOrCreate(where, { email: 'x@y.z' });
        }),
      );
      expect(new Set(results.map(({ entity }) => entity.id)).size).toBe(1);

      const other = await test.database.connect();
      await other.query('begin');
      await other.query(`insert into account (email, version) values ('late', 1)`);
      const late = repo(Account).restoreOrCreate({ email: 'late' }, { email: 'late' });
      let waiting: unknown[] = [];
      while (waiting.length === 0) {
        waiting = await test.database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
      }
      await other.query('commit');
      await other.end();
      expect(await late).toMatchObject({ restored: false, entity: { email: 'late' } });
      expect((await rows('account')).map(({ email }) => email)).toEqual(['x@y.z', 'late']);
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
        keys: [1, 2],
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
        { entity: 'Chapter', keys: [2], count: 1 },
      ]);
    });
  });
});
