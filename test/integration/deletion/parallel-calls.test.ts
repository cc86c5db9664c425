import { TransactionPropagation } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { setImmediate } from 'node:timers/promises';
import { DeletionRestrictedError, type SoftDeleteEvent } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { Account, Author, Book, Chapter, Draft, Loan, Member, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

type Call = (em: EntityManager) => Promise<unknown>;

describe('parallel calls in one transaction', () => {
  const library = useLibrary();
  let events: SoftDeleteEvent[];
  let unsubscribe: () => void;

  beforeEach(async () => {
    await library.plant();
    await library.database.query('insert into loan (author_id) values (1); delete from review; delete from note');
    events = [];
    const subscription = getInstallation(library.em).events.stream$.subscribe((event) => events.push(event));
    unsubscribe = () => subscription.unsubscribe();
  });

  afterEach(() => unsubscribe());

  /** An author who cannot be deleted, and one who is, in the given ways. */
  const REFUSED: Record<string, Call> = {
    'softDelete()': (em) => library.repo(Author, em).softDelete(1),
    'nativeDelete()': (em) => library.repo(Author, em).nativeDelete({ name: 'Ada' }),
    'hardDelete()': (em) => library.repo(Author, em).hardDelete(1),
    'a nested transaction': (em) =>
      em.transactional(async (tx) => {
        await library.repo(Chapter, tx as EntityManager).softDelete(1);
        await library.repo(Author, tx as EntityManager).softDelete(1);
      }),
  };
  const DONE: Record<string, [Call, () => Promise<boolean>]> = {
    'softDelete()': [
      (em) => library.repo(Author, em).softDelete(2),
      async () => (await library.deleted('author'))[1] === true,
    ],
    'restore()': [(em) => library.repo(Tag, em).restore(1), async () => (await library.deleted('tag'))[0] === false],
    'hardDelete()': [
      (em) => library.repo(Draft, em).hardDelete(2),
      async () => (await library.deleted('draft')).length === 1,
    ],
    'restoreOrCreate()': [
      (em) => library.repo(Member, em).restoreOrCreate({ email: 'a@b' }, { email: 'a@b', name: 'A' }),
      async () => (await library.rows('member')).length === 1,
    ],
    'a flush': [
      async (em) => {
        em.persist(em.create(Account, { email: 'flushed', version: 1 } as never));
        await em.flush();
      },
      async () => (await library.rows('account')).length === 1,
    ],
    'a removal by flush': [
      async (em) => {
        em.remove(em.getReference(Draft, 1));
        await em.flush();
      },
      async () => (await library.deleted('draft'))[0] === true,
    ],
    'em.nativeUpdate()': [
      (em) => em.nativeUpdate(Book, 3, { title: 'changed' }),
      async () => (await library.rows('book'))[2].title === 'changed',
    ],
    'em.insert()': [
      (em) => em.insert(Account, { email: 'inserted', version: 1 } as never),
      async () => (await library.rows('account')).length === 1,
    ],
    'a nested transaction': [
      (em) => em.transactional((tx) => library.repo(Author, tx as EntityManager).softDelete(2)),
      async () => (await library.deleted('author'))[1] === true,
    ],
  };

  const PAIRS = Object.keys(REFUSED).flatMap((refused) => Object.keys(DONE).map((done) => [refused, done] as const));

  it.each(PAIRS)('%s, which is refused, takes nothing of %s with it', async (refused, done) => {
    for (const refusedFirst of [true, false]) {
      await library.database.query(`
        update author set deleted_at = null; update book set deleted_at = null; update draft set deleted_at = null;
        update chapter set deleted_at = null; update tag set deleted_at = '2020-01-01'; update book set title = 'other' where id = 3;
        delete from account; delete from member;
        insert into draft (id, title, author_id) values (2, 'd2', 1) on conflict do nothing`);
      const [run, isDone] = DONE[done]!;
      const calls = refusedFirst ? [REFUSED[refused]!, run] : [run, REFUSED[refused]!];
      const outcomes = await library
        .fork()
        .transactional((tx) => Promise.allSettled(calls.map((call) => call(tx as EntityManager))));
      const [failed, succeeded] = refusedFirst ? outcomes : outcomes.toReversed();
      expect(failed).toMatchObject({ status: 'rejected', reason: expect.any(DeletionRestrictedError) });
      expect(succeeded).toMatchObject({ status: 'fulfilled' });
      expect(await isDone()).toBe(true);
      expect((await library.deleted('author'))[0]).toBe(false);
      expect((await library.deleted('chapter'))[0]).toBe(false);
    }
  });

  it('tells of those that were carried out alone', async () => {
    await library
      .fork()
      .transactional((tx) =>
        Promise.allSettled([
          library.repo(Author, tx as EntityManager).softDelete(1),
          library.repo(Author, tx as EntityManager).softDelete(2),
        ]),
      );
    expect(events.filter(({ entity }) => entity === 'Author')).toMatchObject([{ type: 'deleted', count: 1 }]);
    expect(await library.deleted('author')).toEqual([false, true]);
  });

  it('carries out ten', async () => {
    await library.database.query(
      "insert into account (email, version) select 'a' || i, 1 from generate_series(1, 10) as i",
    );
    const results = await library
      .fork()
      .transactional((tx) =>
        Promise.all(Array.from({ length: 10 }, (_, i) => library.repo(Account, tx as EntityManager).softDelete(i + 1))),
      );
    expect(results.map(({ total }) => total)).toEqual(Array(10).fill(1));
    const rows = await library.rows('account');
    expect(new Set(rows.map(({ time }) => time)).size).toBe(10);
  });

  it('carries out nested transactions of one transaction one after the other', async () => {
    const outcomes = await library.fork().transactional((outer) =>
      Promise.allSettled([
        outer.transactional(async (tx) => {
          await library.repo(Chapter, tx as EntityManager).softDelete(1);
          await setImmediate();
          throw new Error('no');
        }),
        outer.transactional(async (tx) => {
          await library.repo(Chapter, tx as EntityManager).softDelete(2);
        }),
        outer.transactional((tx) =>
          tx.transactional((inner) =>
            Promise.allSettled([
              library.repo(Author, inner as EntityManager).softDelete(1),
              library.repo(Chapter, inner as EntityManager).softDelete(3),
            ]),
          ),
        ),
      ]),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(await library.deleted('chapter')).toEqual([false, true, true]);
    expect(await library.deleted('author')).toEqual([false, false]);
  });

  it('does not make an operation wait for the one that it is part of', async () => {
    const em = library.fork();
    let depth = 0;
    em.getEventManager().registerSubscriber({
      async beforeUpdate() {
        if (depth++ === 0) {
          const current = em.getContext() as EntityManager;
          await Promise.all([
            library.repo(Tag, current).softDelete(1),
            library.repo(Tag, current).softDelete(2),
            current.transactional((tx) => library.repo(Draft, tx as EntityManager).softDelete(1)),
          ]);
        }
      },
    });
    await em.transactional(async (tx) => {
      const [book] = await tx.find(Book, { id: 3 });
      book!.title = 'changed';
      await tx.flush();
    });
    expect(depth).toBeGreaterThan(0);
    expect(await library.deleted('tag')).toEqual([true, true]);
    expect((await library.rows('book'))[2].title).toBe('changed');
  });

  it('does not make independent transactions wait', async () => {
    await library.fork().transactional(async (outer) => {
      await outer.transactional(
        async (tx) => {
          await library.repo(Chapter, tx as EntityManager).softDelete(1);
        },
        { propagation: TransactionPropagation.REQUIRES_NEW },
      );
      await library.repo(Chapter, outer as EntityManager).softDelete(2);
      await outer.transactional((tx) => library.repo(Loan, tx as EntityManager).softDelete(1), {
        propagation: TransactionPropagation.REQUIRED,
      });
    });
    expect(await library.deleted('chapter')).toEqual([true, true, false]);
  });

  it('works in a transaction that is begun by hand', async () => {
    const em = library.fork();
    await em.begin();
    const outcomes = await Promise.allSettled([
      library.repo(Author, em).softDelete(1),
      library.repo(Author, em).softDelete(2),
    ]);
    await em.commit();
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(await library.deleted('author')).toEqual([false, true]);
  });
});
