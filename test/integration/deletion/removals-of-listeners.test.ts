import { ChangeSetType, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Account, Author, Book, Review } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const FORKS = ['shared', 'fresh', 'transaction'] as const;

describe.each(FORKS)('removals that listeners ask for, with an event manager that is %s', (kind) => {
  const library = useLibrary();
  const { deleted, plant, rows } = library;
  let act: Partial<EventSubscriber> = {};

  const listener: EventSubscriber = {
    beforeFlush: (args) => act.beforeFlush?.(args),
    onFlush: (args) => act.onFlush?.(args),
  };

  beforeAll(() => {
    library.orm.config.set('subscribers', [...library.orm.config.get('subscribers'), listener]);
    library.orm.em.getEventManager().registerSubscriber(listener);
  });

  beforeEach(async () => {
    act = {};
    await plant();
  });

  const flushing = async (work: (em: EntityManager) => Promise<unknown>) => {
    const em = library.orm.em.fork({ freshEventManager: kind === 'fresh' }) as EntityManager;
    await (kind === 'transaction' ? em.transactional(work) : work(em).then(() => em.flush()));
    expect(library.statements.filter((sql) => /^delete/i.test(sql))).toEqual([]);
    library.statements.length = 0;
    await em.flush();
    expect(library.statements.filter((sql) => /^(insert|update|delete)/i.test(sql))).toEqual([]);
  };

  it('soft-deletes what a later listener removes before a flush, with its cascade', async () => {
    await flushing(async (em) => {
      const book = await em.findOneOrFail(Book, 1);
      act.beforeFlush = ({ em: flushed }: FlushEventArgs) => {
        act = {};
        flushed.remove(book);
      };
      em.create(Account, { email: 'a@b.c' });
    });
    expect(await deleted('book')).toEqual([true, false, false]);
    expect(await deleted('chapter')).toEqual([true, false, false]);
  });

  it.each([ChangeSetType.DELETE, ChangeSetType.DELETE_EARLY])(
    'soft-deletes by a change set of type %s',
    async (type) => {
      await flushing(async (em) => {
        const author = await em.findOneOrFail(Author, 1, { populate: ['books'] });
        act.onFlush = async ({ uow }: FlushEventArgs) => {
          act = {};
          uow.computeChangeSet(author, type);
        };
        em.remove(await em.findOneOrFail(Review, 1));
      });
      expect(await deleted('author')).toEqual([true, false]);
      expect(await deleted('book')).toEqual([true, true, false]);
      expect(await deleted('review')).toEqual([true]);
      const [first] = await rows('author');
      expect((await rows('review'))[0].time).toBe(first.time);
    },
  );

  it('leaves alone what is deleted already', async () => {
    await library.database.query(`update author set deleted_at = '2020-01-01' where id = 1`);
    await flushing(async (em) => {
      const author = await em.findOneOrFail(Author, 1, { filters: { softDelete: false } });
      act.onFlush = async ({ uow }: FlushEventArgs) => {
        act = {};
        uow.computeChangeSet(author, ChangeSetType.DELETE);
      };
      em.create(Account, { email: 'a@b.c' });
    });
    expect((await rows('author'))[0].time).toBe('2020-01-01 00:00:00+00');
  });

  it('shows others the removal as the update that it becomes', async () => {
    const seen: string[] = [];
    await flushing(async (em) => {
      em.remove(await em.findOneOrFail(Book, 1));
      act.onFlush = async ({ uow }: FlushEventArgs) => {
        act = {};
        seen.push(...uow.getChangeSets().map(({ type }) => type));
      };
    });
    expect(seen).toEqual(['update_early']);
  });
});
