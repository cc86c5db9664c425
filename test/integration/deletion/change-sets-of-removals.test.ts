import { type ChangeSet, type EventArgs, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Account, Author, Book, Review } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

/** An audit subscriber: it notes every change set that it is shown, as text, since change sets go on changing. */
class Audit implements EventSubscriber {
  readonly seen: string[] = [];

  onFlush({ uow }: FlushEventArgs): void {
    uow.getChangeSets().forEach((changeSet) => this.#note('onFlush', changeSet));
  }
  beforeUpdate({ changeSet }: EventArgs<any>): void {
    this.#note('beforeUpdate', changeSet!);
  }
  afterUpdate({ changeSet }: EventArgs<any>): void {
    this.#note('afterUpdate', changeSet!);
  }
  beforeDelete({ changeSet }: EventArgs<any>): void {
    this.#note('beforeDelete', changeSet!);
  }

  #note(event: string, { type, meta, entity, payload, originalEntity }: ChangeSet<any>): void {
    const { deletedAt } = payload;
    const time = deletedAt instanceof Date ? deletedAt.toISOString() : JSON.stringify(deletedAt);
    const was = JSON.stringify((originalEntity as any)?.deletedAt);
    this.seen.push([event, type, `${meta.className} ${entity.id}`, time, was].join(' | '));
  }
}

describe.each(['shared', 'fresh', 'transaction'] as const)(
  'change sets of removals, flushed with an event manager that is %s',
  (kind) => {
    const early = new Audit();
    const late = new Audit();
    const library = useLibrary({ subscribers: [early] });

    beforeAll(() => {
      library.orm.config.set('subscribers', [...library.orm.config.get('subscribers'), late]);
      library.orm.em.getEventManager().registerSubscriber(late);
    });
    beforeEach(async () => {
      await library.plant();
      early.seen.length = 0;
      late.seen.length = 0;
    });

    const flushing = async (work: (em: EntityManager) => Promise<unknown>) => {
      const em = library.orm.em.fork({ freshEventManager: kind === 'fresh' }) as EntityManager;
      await (kind === 'transaction' ? em.transactional(work) : work(em).then(() => em.flush()));
    };
    /** What is noted, with the unit's time, which the database knows to the microsecond, by its name. */
    const noted = async (audit: Audit) => {
      const [{ time }] = await library.database.query(
        `select to_char(max(deleted_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time
       from (select deleted_at from author union all select deleted_at from book union all select deleted_at from review) as t`,
      );
      // A time that is rounded up would be another.
      const [{ cut }] = await library.database.query(
        `select to_char(date_trunc('milliseconds', max(deleted_at)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as cut
       from (select deleted_at from author union all select deleted_at from book union all select deleted_at from review) as t`,
      );
      return audit.seen
        .map((line) => line.replace(cut, 'the unit').replace(time, 'the unit'))
        .map((line) =>
          line.startsWith('onFlush') ? line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|the unit/, 'a time') : line,
        );
    };

    it('are updates that carry the time of their unit, whichever listener looks', async () => {
      await flushing(async (em) => {
        em.remove(await em.findOneOrFail(Author, 1));
        em.remove(await em.findOneOrFail(Review, 1));
        em.remove(await em.findOneOrFail(Book, 3));
        em.create(Account, { email: 'a@b.c' });
      });
      const removals = ['Author 1', 'Review 1', 'Book 3'];
      for (const audit of [early, late]) {
        const lines = (await noted(audit)).filter((line) => !line.includes('Account'));
        expect(lines.toSorted()).toEqual(
          removals
            .flatMap((row) => [
              `onFlush | update_early | ${row} | a time | null`,
              `beforeUpdate | update_early | ${row} | the unit | null`,
              `afterUpdate | update_early | ${row} | the unit | null`,
            ])
            .toSorted(),
        );
      }
      expect(await library.deleted('book')).toEqual([true, true, true]);
    });

    it('write one time, to the microsecond, whatever a listener was shown', async () => {
      await flushing(async (em) => {
        for (const book of await em.find(Book, {})) {
          em.remove(book);
        }
        em.remove(await em.findOneOrFail(Author, 2));
      });
      const times = await library.database.query(
        'select deleted_at::text as time from book union select deleted_at::text from author where id = 2',
      );
      expect(times).toEqual([{ time: expect.any(String) }]);
    });

    it('leave the time of a row that somebody else has deleted meanwhile', async () => {
      await flushing(async (em) => {
        em.remove(await em.findOneOrFail(Review, 1));
        em.remove(await em.findOneOrFail(Book, 3));
        await library.database.query(`update review set deleted_at = '2020-01-02 03:04:05.678901+00'`);
      });
      expect((await library.rows('review'))[0].time).toBe('2020-01-02 03:04:05.678901+00');
      expect(await library.deleted('book')).toEqual([false, false, true]);
    });
  },
);
