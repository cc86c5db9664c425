import { ChangeSetType, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  DeletedRowError,
  DeletionRestrictedError,
  installSoftDelete,
  PhysicalDeletionError,
} from 'nestjs-mikro-orm-soft-delete';
import { Account, Author, Book, Loan, Member, Note, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('the bulk writes of the entity manager', () => {
  const library = useLibrary();

  beforeEach(() => library.plant());

  describe('nativeDelete()', () => {
    it('deletes softly, as one unit with what the deletion cascades to', async () => {
      expect(await library.em.nativeDelete(Author, { name: 'Ada' })).toBe(1);

      await expect(library.deleted('author')).resolves.toEqual([true, false]);
      await expect(library.deleted('book')).resolves.toEqual([true, true, false]);
      await expect(library.deleted('chapter')).resolves.toEqual([true, true, false]);
      expect(await library.em.nativeDelete(Author, { name: 'Ada' })).toBe(0);
    });

    it.each([
      ['a key', 1],
      ['a condition on a relation', { books: { title: 'two' } }],
    ])('takes %s', async (_name, where) => {
      expect(await library.em.nativeDelete(Author, where as never)).toBe(1);
      await expect(library.deleted('author')).resolves.toEqual([true, false]);
    });

    it('tells memory', async () => {
      const author = await library.em.findOneOrFail(Author, 1, { populate: ['books'] });
      await library.em.nativeDelete(Book, { title: 'one' });
      expect(author.books.getItems().map(({ title }) => title)).toEqual(['two']);
    });

    it('is refused where the repository would refuse', async () => {
      await library.database.query('insert into loan (author_id) values (1)');
      await expect(library.em.nativeDelete(Author, 1)).rejects.toThrow(DeletionRestrictedError);
      await expect(library.deleted('author')).resolves.toEqual([false, false]);
      expect(await library.em.nativeDelete(Loan, {})).toBe(1);
      await expect(library.deleted('loan')).resolves.toEqual([true]);
    });

    it('joins the transaction around it, and the one that it is given', async () => {
      const failure = new Error('rolled back');
      await expect(
        library.em.transactional(async (em) => {
          await em.nativeDelete(Tag, { id: 1 });
          throw failure;
        }),
      ).rejects.toBe(failure);
      await expect(library.deleted('tag')).resolves.toEqual([false, false]);

      const other = library.fork();
      await other.begin();
      await library.em.nativeDelete(Tag, { id: 1 }, { ctx: other.getTransactionContext() as never });
      await expect(library.deleted('tag')).resolves.toEqual([false, false]);
      await other.commit();
      await expect(library.deleted('tag')).resolves.toEqual([true, false]);
    });

    it('tells the entity manager of the transaction that it is given, and the one that was asked', async () => {
      const other = library.fork();
      const [here, there] = [await library.em.findOneOrFail(Tag, 1), await other.findOneOrFail(Tag, 1)];
      await other.begin();
      await library.em.nativeDelete(Tag, 1, { ctx: other.getTransactionContext() as never });
      const { deletedAt } = here;
      await other.rollback();
      expect(deletedAt).toBeInstanceOf(Date);
      expect([here.deletedAt ?? null, there.deletedAt ?? null]).toEqual([null, null]);
      await expect(library.deleted('tag')).resolves.toEqual([false, false]);
    });

    it('reaches the schema that it is given, and no other', async () => {
      await library.database.query(
        'create schema elsewhere; create table elsewhere.member (like member including all); ' +
          "insert into elsewhere.member (id, email, name) values (1, 'a', 'a'); insert into member (id, email, name) values (1, 'a', 'a')",
      );
      try {
        expect(await library.em.nativeDelete(Member, { id: 1 }, { schema: 'elsewhere' })).toBe(1);
        expect(await library.em.nativeDelete(Member, { id: 1 }, { schema: 'elsewhere' })).toBe(0);
        await expect(library.deleted('member')).resolves.toEqual([false]);
        await expect(
          library.database.query('select deleted_at is null as active from elsewhere.member'),
        ).resolves.toEqual([{ active: false }]);
      } finally {
        await library.database.query('drop schema elsewhere cascade');
      }
    });

    it('removes what is not soft-deletable', async () => {
      expect(await library.em.nativeDelete(Note, {})).toBe(1);
      await expect(library.database.query('select * from note')).resolves.toEqual([]);
    });
  });

  it('leave the schema generator alone, which empties tables', async () => {
    await library.orm.schema.clear({ truncate: false });
    await expect(library.rows('author')).resolves.toEqual([]);
  });

  describe('a query builder', () => {
    it.each([
      ['of the entity manager', () => library.em.createQueryBuilder(Book).delete({ id: 1 })],
      ['of the repository', () => library.repo(Book).qb('b').delete({ id: 1 })],
      ['of a read view', () => library.repo(Book).withDeleted().qb('b').delete({ id: 1 })],
      ['that is a clone', () => library.em.createQueryBuilder(Book).delete({ id: 1 }).clone()],
      ['of the root', () => library.orm.em.createQueryBuilder(Book).delete({ id: 1 })],
    ])('%s removes no soft-deletable rows', async (_name, build) => {
      await expect((async () => build().execute())()).rejects.toMatchObject({
        name: PhysicalDeletionError.name,
        code: 'PHYSICAL_DELETION',
        message: expect.stringMatching(/QueryBuilder\.delete\(\).*rows of Book.*hardDelete\(\)/),
      });
      await expect(library.deleted('book')).resolves.toEqual([false, false, false]);
    });

    it.each([
      ['of soft-deletable rows', () => library.em.createQueryBuilder(Book).truncate()],
      ['of their repository', () => library.repo(Book).qb().truncate()],
    ])('truncates no table %s', async (_name, build) => {
      await expect((async () => build().execute())()).rejects.toMatchObject({
        name: PhysicalDeletionError.name,
        message: expect.stringMatching(/QueryBuilder\.truncate\(\) of Book.*rows of Book/),
      });
      await expect(library.deleted('book')).resolves.toEqual([false, false, false]);
    });

    it('truncates others', async () => {
      await library.em.createQueryBuilder(Note).truncate().execute();
      await expect(library.database.query('select * from note')).resolves.toEqual([]);
    });

    it('removes what is not soft-deletable, and reads and updates what is', async () => {
      await library.em.createQueryBuilder(Note).delete({}).execute();
      await expect(library.database.query('select * from note')).resolves.toEqual([]);
      await library.em.createQueryBuilder(Book).update({ title: 'new' }).where({ id: 1 }).execute();
      expect(await library.em.createQueryBuilder(Book, 'b').where({ title: 'new' }).getResult()).toHaveLength(1);
    });
  });

  describe('getKysely()', () => {
    const kysely = (em = library.em, options?: object): any => em.getKysely(options);

    it.each([
      ['by table', () => kysely().deleteFrom('book').where('id', '=', 1)],
      ['by table and schema', () => kysely().withSchema('public').deleteFrom('book')],
      ['under an alias', () => kysely().deleteFrom('book as b').where('b.id', '=', 1)],
      ['by entity', () => kysely(library.em, { tableNamingStrategy: 'entity' }).deleteFrom('Book')],
      ['of the root', () => kysely(library.orm.em as never).deleteFrom('book')],
      [
        'in a common table expression',
        () =>
          kysely()
            .with('gone', (db: any) => db.deleteFrom('book').returning('id'))
            .selectFrom('gone')
            .selectAll(),
      ],
      [
        'with a merge',
        () => kysely().mergeInto('book').using('chapter', 'chapter.book_id', 'book.id').whenMatched().thenDelete(),
      ],
    ])('deletes no soft-deletable rows %s', async (_name, build) => {
      await expect((async () => build().execute())()).rejects.toMatchObject({
        name: PhysicalDeletionError.name,
        entity: 'Book',
        message: expect.stringMatching(/getKysely\(\).*rows of Book.*hardDelete\(\)/),
      });
      await expect(library.deleted('book')).resolves.toEqual([false, false, false]);
    });

    it('deletes none in transactions either, of the entity manager and of its own', async () => {
      await expect(
        library.em.transactional((em) =>
          kysely(em as never)
            .deleteFrom('book')
            .execute(),
        ),
      ).rejects.toThrow(PhysicalDeletionError);
      await expect(
        kysely()
          .transaction()
          .execute((transaction: any) => transaction.deleteFrom('book').execute()),
      ).rejects.toThrow(PhysicalDeletionError);
      await expect(library.deleted('book')).resolves.toEqual([false, false, false]);
    });

    it('deletes other rows, and reads and updates as the ORM does', async () => {
      await library.database.query('create schema elsewhere; create table elsewhere.book as select * from book');
      const all = () => library.database.query('select id from elsewhere.book');
      await kysely().deleteFrom('note').execute();
      await kysely().deleteFrom('elsewhere.book').where('id', '=', 1).execute();
      await kysely()
        .updateTable('book')
        .set({ title: JSON.stringify({ kind: 'DeleteQueryNode' }) })
        .where('id', '=', 1)
        .execute();
      await kysely()
        .mergeInto('book')
        .using('chapter', 'chapter.book_id', 'book.id')
        .whenMatched()
        .thenUpdateSet({ title: 'merged' })
        .execute();
      await expect(library.database.query('select id from note')).resolves.toEqual([]);
      await expect(all()).resolves.toEqual([{ id: 2 }, { id: 3 }]);
      expect(await kysely().selectFrom('book').select('title').where('id', '=', 1).execute()).toEqual([
        { title: 'merged' },
      ]);
      await library.database.query('drop schema elsewhere cascade');
    });
  });

  describe('upsert()', () => {
    beforeEach(() =>
      library.database.query(`
        insert into member (email, name, deleted_at) values ('ada@x', 'gone', now()), ('bob@x', 'Bob', null)`),
    );
    const members = () =>
      library.database.query('select id, email, name, deleted_at is null as active from member order by id');

    it('writes to no deleted row, named by its key', async () => {
      await expect(library.em.upsert(Member, { id: 1, email: 'new@x', name: 'new' })).rejects.toThrow(DeletedRowError);
      await expect(
        library.em.upsertMany(Member, [
          { id: 2, email: 'bob@x', name: 'Bo' },
          { id: 1, email: 'new@x', name: 'new' },
        ]),
      ).rejects.toThrow(DeletedRowError);
      await expect(members()).resolves.toEqual([
        { id: 1, email: 'ada@x', name: 'gone', active: false },
        { id: 2, email: 'bob@x', name: 'Bob', active: true },
      ]);
    });

    it('finds active rows by what is unique among these', async () => {
      const ada = await library.em.upsert(Member, { email: 'ada@x', name: 'Ada' });
      const [bob] = await library.em.upsertMany(Member, [{ email: 'bob@x', name: 'Bo' }]);
      const again = await library.em.upsert(
        library.em.create(Member, { email: 'ada@x', name: 'Ada L.' } as never, { managed: false }),
      );

      expect(ada).toMatchObject({ id: 3 });
      expect(bob).toMatchObject({ id: 2 });
      expect(again).toMatchObject({ id: 3 });
      await expect(members()).resolves.toEqual([
        { id: 1, email: 'ada@x', name: 'gone', active: false },
        { id: 2, email: 'bob@x', name: 'Bo', active: true },
        { id: 3, email: 'ada@x', name: 'Ada L.', active: true },
      ]);
    });

    it('writes to what is not soft-deletable as usual', async () => {
      await library.em.upsert(Note, { id: 1, text: 'changed' });
      await expect(library.database.query('select text from note')).resolves.toEqual([{ text: 'changed' }]);
    });
  });
});

/** Deletes by a change set of its own. */
class Sweeper implements EventSubscriber {
  onFlush({ uow }: FlushEventArgs): void {
    for (const entity of uow.getIdentityMap().values()) {
      uow.computeChangeSet(entity, ChangeSetType.DELETE);
    }
  }
}

describe('an entity manager with listeners of its own, forked before soft deletion was installed', () => {
  const library = useLibrary();

  it.each(['em.remove()', 'a listener'])('removes no row by %s', async (way) => {
    await library.database.query(`insert into account (email, version) values ('a@x', 1)`);
    const orm = await MikroORM.init({ clientUrl: library.database.url, entities: [Account] });
    const early = orm.em.fork({ freshEventManager: true });
    installSoftDelete(orm);
    const account = await early.findOneOrFail(Account, 1);
    early.create(Account, { email: 'b@x' } as never);
    if (way === 'a listener') {
      early.getEventManager().registerSubscriber(new Sweeper());
    } else {
      early.remove(account);
    }

    await expect(early.flush()).rejects.toMatchObject({ name: PhysicalDeletionError.name, entity: 'Account' });

    await orm.close(true);
    await expect(library.database.query('select email, deleted_at from account')).resolves.toEqual([
      { email: 'a@x', deleted_at: null },
    ]);
  });
});
