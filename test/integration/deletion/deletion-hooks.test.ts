import { AsyncLocalStorage } from 'node:async_hooks';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type DeletionHandler,
  type HookContext,
  registerHook,
  softDeletable,
  SoftDeleteConfigError,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Chapter, Draft, Note, Passport, Review } from '../../support/library.js';
import { createTestOrm } from '../../support/orm.js';
import { useLibrary } from '../../support/use-library.js';

class Veto extends Error {}

describe(registerHook.name, () => {
  const library = useLibrary();
  const HOOKED = [Author, Book, Chapter, Draft, Passport, Review];
  let calls: string[];
  let handle: DeletionHandler;

  beforeAll(() => {
    for (const entity of HOOKED) {
      for (const on of ['delete', 'restore'] as const) {
        registerHook(library.orm, on, entity as typeof Author, async (rows, context) => {
          calls.push(
            `${on} ${entity.name} ${rows
              .map(({ id }) => id)
              .sort()
              .join(' ')}`,
          );
          await handle(rows, context);
        });
      }
    }
  });
  beforeEach(async () => {
    await library.plant();
    calls = [];
    handle = () => undefined;
  });

  const authors = (em?: EntityManager) => library.repo(Author, em);
  const FAMILY = ['Author 1', 'Book 1 2', 'Chapter 1 2', 'Draft 1 2', 'Passport 1'];
  const family = (on: string) => FAMILY.map((rows) => `${on} ${rows}`);
  const loaded = () =>
    library.em.findOneOrFail(Author, 1, { populate: ['books.chapters', 'drafts', 'passport'] as never });

  const DELETIONS: Record<string, () => Promise<unknown>> = {
    'softDelete()': () => authors().softDelete(1),
    'softDelete() by a condition': () => authors().softDelete({ name: 'Ada' }),
    'nativeDelete()': () => authors().nativeDelete({ id: 1 }),
    'nativeDelete() of the entity manager': () => library.em.nativeDelete(Author, { id: 1 }),
    'em.remove() of an entity': async () => library.em.remove(await library.em.findOneOrFail(Author, 1)).flush(),
    'em.remove() of everything loaded': async () => library.em.remove(await loaded()).flush(),
    'em.remove() of a reference': () => library.em.remove(library.em.getReference(Author, 1)).flush(),
    'em.remove() in a transaction': () =>
      library.em.transactional(async (em) => void em.remove(await em.findOneOrFail(Author, 1))),
    'softDelete() in a transaction': () => library.em.transactional((em) => authors(em as EntityManager).softDelete(1)),
  };

  it.each(Object.entries(DELETIONS))('calls with every row of a deletion, once: %s', async (_, run) => {
    await run();
    expect(calls.sort()).toEqual(family('delete'));
  });

  it.each([
    ['softDelete()', () => authors().softDelete(1)],
    ['em.remove()', async () => library.em.remove(await library.em.findOneOrFail(Author, 1)).flush()],
  ])('stops handlers that call each other without end, and names them: %s', async (_name, run) => {
    handle = async (_rows, { em }) => {
      const [on, entity] = calls.at(-1)!.split(' ');
      if (entity === 'Author') {
        await authors(em)[on === 'delete' ? 'restore' : 'softDelete'](1);
      }
    };
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect((error as Error).message).toContain('@OnDelete(Author) → @OnRestore(Author) → @OnDelete(Author) → ');
    expect(calls.filter((call) => call.includes('Author'))).toHaveLength(32);
    await expect(library.deleted('author')).resolves.toEqual([false, false]);
  });

  it('lets 32 handlers call each other', async () => {
    let left = 31;
    handle = async (_rows, { em }) => {
      const [on, entity] = calls.at(-1)!.split(' ');
      if (entity === 'Author' && left-- > 0) {
        await authors(em)[on === 'delete' ? 'restore' : 'softDelete'](1);
      }
    };
    await authors().softDelete(1);
    expect(calls.filter((call) => call.includes('Author'))).toHaveLength(32);
  });

  it('counts no handler that has returned before what it has started begins', async () => {
    let within = (run: () => Promise<unknown>): Promise<unknown> => run();
    handle = () => {
      within = AsyncLocalStorage.snapshot();
    };
    for (let n = 0; n < 40; n++) {
      const work = authors(library.fork());
      await within(() => work[n % 2 ? 'restore' : 'softDelete'](2));
    }
    expect(calls.filter((call) => call.includes('Author'))).toHaveLength(40);
  });

  it('calls with orphans, loaded or not', async () => {
    const author = await library.em.findOneOrFail(Author, 1, { populate: ['drafts', 'passport'] as never });
    author.drafts.remove(author.drafts[0]!);
    author.passport = null;
    await library.em.flush();
    expect(calls.splice(0).sort()).toEqual(['delete Draft 1', 'delete Passport 1']);

    const em = library.fork();
    const unloaded = await em.findOneOrFail(Author, 1);
    unloaded.drafts.removeAll();
    await em.flush();
    expect(calls).toEqual(['delete Draft 2']);
  });

  it('calls with the rows that a flush removes and those that it cascades to as one', async () => {
    library.em.remove(await library.em.findOneOrFail(Book, 3));
    library.em.remove(library.em.getReference(Author, 1));
    await library.em.flush();
    expect(calls.sort()).toEqual([
      'delete Author 1',
      'delete Book 1 2 3',
      'delete Chapter 1 2 3',
      'delete Draft 1 2',
      'delete Passport 1',
    ]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['restore()', () => authors().restore(1)],
    ['restore() by a condition', () => authors().restore({ name: 'Ada' })],
    ['restoreOrCreate()', () => authors().restoreOrCreate({ name: 'Ada' }, { name: 'Ada' })],
  ])('calls with every row of a restoration: %s', async (_, run) => {
    await authors().softDelete(1);
    calls = [];
    await run();
    expect(calls.sort()).toEqual(family('restore'));
  });

  it('calls for nothing that did not happen', async () => {
    await authors().softDelete(1, { dryRun: true });
    await authors().softDelete({ name: 'nobody' });
    await authors().restore(1);
    await authors().restore(1, { dryRun: true });
    await authors().restoreOrCreate({ name: 'Ada' }, { name: 'Ada' });
    await library.database.query('insert into loan (author_id) values (1)');
    await expect(authors().softDelete(1)).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    library.em.remove(await library.em.findOneOrFail(Author, 1));
    await expect(library.em.flush()).rejects.toMatchObject({ code: 'DELETION_RESTRICTED' });
    expect(calls).toEqual([]);
  });

  describe('a handler', () => {
    it.each(Object.entries(DELETIONS))(
      'vetoes the whole deletion, in the database and in memory: %s',
      async (_, run) => {
        const author = await loaded();
        const before = await library.contents();
        handle = ([row]) => {
          if (row instanceof Chapter) {
            throw new Veto('no');
          }
        };
        await expect(run()).rejects.toThrow(Veto);

        expect(await library.contents()).toEqual(before);
        expect((await library.deleted('author')).concat(await library.deleted('chapter'))).not.toContain(true);
        expect(authors().isDeleted(author)).toBe(false);
        expect(author.books.getItems().map(({ id, deletedAt }) => [id, deletedAt ?? null])).toEqual([
          [1, null],
          [2, null],
        ]);
        expect(author.passport?.deletedAt ?? null).toBeNull();
        handle = () => undefined;
        await library.em.flush();
        expect(await library.deleted('author')).toEqual([false, false]);
      },
    );

    it('vetoes a restoration', async () => {
      const author = await loaded();
      await authors().softDelete(1);
      handle = () => {
        throw new Veto('no');
      };
      await expect(authors().restore(1)).rejects.toThrow(Veto);
      expect(await library.deleted('author')).toEqual([true, false]);
      expect(await library.deleted('book')).toEqual([true, true, false]);
      expect(authors().isDeleted(author)).toBe(true);
      expect(author.books.getItems()).toEqual([]);
    });

    it('is not asked again for what it has violated itself', async () => {
      await authors().softDelete(1);
      calls = [];
      handle = async ([row], { em }) => {
        if (row instanceof Author) {
          await em.execute("insert into author (id, name) values (2, 'x')");
        }
      };
      await expect(authors().restore(1)).rejects.toMatchObject({ code: '23505' });
      expect(calls.filter((call) => call.includes('Author'))).toEqual(['restore Author 1']);
      expect(await library.deleted('author')).toEqual([true, false]);
    });

    it('leaves what the same transaction did before as it was', async () => {
      await library.em.transactional(async (em) => {
        await library.repo(Review, em as EntityManager).softDelete(1);
        handle = () => {
          throw new Veto('no');
        };
        await expect(authors(em as EntityManager).softDelete(1)).rejects.toThrow(Veto);
      });
      expect(await library.deleted('review')).toEqual([true]);
      expect(await library.deleted('author')).toEqual([false, false]);
    });

    it('works in the transaction, with entities of its own and operations that call others', async () => {
      const note = await library.em.findOneOrFail(Note, 1);
      const review = await library.em.findOneOrFail(Review, 1);
      handle = async ([row], { em }) => {
        if (row instanceof Author) {
          em.create(Note, { text: `gone: ${row.id}` } as never);
          await library.repo(Review, em).softDelete({ author: row.id });
          em.remove(await em.findOneOrFail(Book, 3));
        }
      };
      await expect(
        library.em.transactional(async (em) => {
          await authors(em as EntityManager).softDelete(1);
          throw new Veto('later');
        }),
      ).rejects.toThrow(Veto);
      expect(await library.database.query('select text from note')).toEqual([{ text: 'n1' }]);
      expect(await library.deleted('review')).toEqual([false]);
      expect(review.deletedAt ?? null).toBeNull();

      calls = [];
      library.em.remove(library.em.getReference(Author, 1));
      await library.em.flush();
      expect(await library.database.query('select text from note order by id')).toEqual([
        { text: 'n1' },
        { text: 'gone: 1' },
      ]);
      expect(await library.deleted('book')).toEqual([true, true, true]);
      expect(calls).toEqual(expect.arrayContaining(['delete Review 1', 'delete Book 3', 'delete Chapter 3']));
      // Memory hears of what a handler does.
      expect(library.repo(Review).isDeleted(review)).toBe(true);
      expect(note.text).toBe('n1');
      library.statements.length = 0;
      await library.em.flush();
      expect(library.statements).toEqual([]);
    });

    it('gets rows that nobody manages: what it does to them is not saved', async () => {
      let managed: unknown;
      handle = async ([row], { em }) => {
        if (row instanceof Book) {
          row.title = 'changed';
          managed = em.getUnitOfWork().getById<Book>(Book, row.id);
        }
      };
      await library.repo(Book).softDelete(1);
      expect(calls).toContain('delete Book 1');
      expect(managed).toBeUndefined();
      expect((await library.rows('book')).map(({ title }) => title)).toEqual(['one', 'two', 'other']);
    });

    it('is told who did it and why', async () => {
      const told: Omit<HookContext, 'em'>[] = [];
      handle = (_, { actor, reason }) => void told.push({ actor, reason });
      await library.repo(Review).softDelete(1, { actor: 'ada', reason: 'ticket 7' });
      await library.repo(Review).restore(1, { actor: 'bob' });
      expect(told).toEqual([
        { actor: 'ada', reason: 'ticket 7' },
        { actor: 'bob', reason: undefined },
      ]);
    });
  });
});

describe('a hook', () => {
  const properties = () => ({
    id: p.integer().primary(),
    room: p.string().primary(),
    name: p.string().nullable(),
    secret: p.string().nullable(),
    deletedAt: p.datetime().nullable(),
  });
  const Pair = defineEntity({ name: 'Pair', repository: () => SoftDeleteRepository, properties: properties() });
  const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });
  softDeletable(Pair);

  it('reads in portions of 1,000 the key and what was asked for, and nothing without a handler', async () => {
    const test = await createTestOrm([Pair, Plain]);
    try {
      const repository = (em = test.orm.em.fork()) => em.getRepository(Pair) as unknown as SoftDeleteRepository<any>;
      const fill = `insert into pair (id, room, name, secret) select n, 'r"' || n, 'name ' || n, 's' from generate_series(1, 2500) as n`;
      await test.database.query(fill);
      await repository().softDelete({ id: { $gt: 2400 } });
      const without = test.statements.length;

      const portions: any[][] = [];
      const take = (rows: any[]) => void portions.push(rows);
      registerHook(test.orm, 'delete', Pair.class as never, take, { fields: ['name'] });
      registerHook(test.orm, 'restore', Pair.class as never, take);
      await repository().softDelete({});
      expect(portions.map(({ length }) => length)).toEqual([1000, 1000, 400]);
      const rows = portions.splice(0).flat();
      expect(new Set(rows.map(({ id, room, name }) => `${id} ${room} ${name}`)).size).toBe(2400);
      expect(rows.every(({ id, room, name }) => room === `r"${id}` && name === `name ${id}`)).toBe(true);
      expect(rows.some((row) => 'secret' in row && row.secret !== undefined)).toBe(false);

      await repository().restore({ id: { $lte: 2400 } });
      expect(portions.map(({ length }) => length)).toEqual([1000, 1000, 400]);

      // Nothing is left open or read where there is nobody to be told.
      await test.database.query('truncate pair');
      await test.database.query(fill);
      expect(without).toBeLessThan(8);
      expect(await test.database.query('select name from pg_cursors')).toEqual([]);
    } finally {
      await test.close();
    }
  });

  it('calls the handler of a class in a hierarchy with rows of that class, and for no others', async () => {
    const Animal = softDeletable(
      defineEntity({
        name: 'Animal',
        abstract: true,
        discriminatorColumn: 'kind',
        properties: { id: p.integer().primary(), kind: p.string(), deletedAt: p.datetime().nullable() },
      }),
    );
    const Cat = defineEntity({ name: 'Cat', extends: Animal, discriminatorValue: 'cat', properties: {} });
    const Dog = defineEntity({ name: 'Dog', extends: Animal, discriminatorValue: 'dog', properties: {} });
    const test = await createTestOrm([Animal, Cat, Dog]);
    try {
      await test.database.query(`insert into animal (id, kind) values (1, 'cat'), (2, 'dog'), (3, 'cat'), (4, 'dog')`);
      const seen: Record<string, number[][]> = { Animal: [], Cat: [], Dog: [] };
      for (const { class: entity } of [Animal, Cat, Dog]) {
        registerHook(test.orm, 'delete', entity as never, (rows: { id: number }[]) => {
          seen[entity.name]!.push(rows.map(({ id }) => id).toSorted());
        });
      }
      const em = () => test.orm.em.fork();
      await em().nativeDelete(Cat, { id: 1 });
      expect(seen).toEqual({ Animal: [[1]], Cat: [[1]], Dog: [] });
      await em().nativeDelete(Animal, {});
      expect(seen).toEqual({ Animal: [[1], [2, 3, 4]], Cat: [[1], [3]], Dog: [[2, 4]] });
    } finally {
      await test.close();
    }
  });

  it("is called with rows that the application's filters hide", async () => {
    const Document = softDeletable(
      defineEntity({
        name: 'Document',
        filters: { own: { name: 'own', cond: { tenant: 1 }, default: true } },
        properties: { id: p.integer().primary(), tenant: p.integer(), deletedAt: p.datetime().nullable() },
      }),
    );
    const test = await createTestOrm([Document]);
    try {
      await test.database.query('insert into document (id, tenant) values (1, 1), (2, 2)');
      const seen: number[] = [];
      registerHook(
        test.orm,
        'delete',
        Document.class as never,
        (rows: { id: number }[]) => void seen.push(...rows.map(({ id }) => id)),
      );
      await test.orm.em.fork().nativeDelete(Document, {}, { filters: { own: false } });
      expect(seen.toSorted()).toEqual([1, 2]);
    } finally {
      await test.close();
    }
  });

  it('is refused if it cannot be called', async () => {
    const test = await createTestOrm([Pair, Plain]);
    try {
      const register = (...args: unknown[]) => (registerHook as (...all: unknown[]) => void)(test.orm, ...args);
      const handler = () => undefined;
      for (const [args, message] of [
        [['delete', Plain.class, handler], /Plain is not soft-deletable.*Pair/],
        [['delete', Date, handler], /Date is not an entity/],
        [['delete', undefined, handler], /undefined is not an entity/],
        [['remove', Pair.class, handler], /"remove" is not an operation.*'delete' or 'restore'/],
        [['delete', Pair.class, undefined], /handler is not a function/],
        [['delete', Pair.class, handler, { fields: ['nam'] }], /no property "nam".*"name"/],
        [['delete', Pair.class, handler, { fields: 'name' }], /fields/],
        [['delete', Pair.class, handler, { field: ['name'] }], /field/],
      ] as const) {
        expect(() => register(...args)).toThrow(
          expect.objectContaining({ code: 'SOFT_DELETE_CONFIG', message: expect.stringMatching(message) }),
        );
      }
    } finally {
      await test.close();
    }
  });
});
