import type { EntityManager } from '@mikro-orm/postgresql';
import { jest } from '@jest/globals';
import { createPurge } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const REAL_TIMERS = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

describe('I6: time is the database’s', () => {
  const library = useLibrary();
  const { repo, rows, plant } = library;
  let em: EntityManager;

  beforeEach(() => {
    em = library.em;
  });

  // Dates alone: faking timers would stop the driver.
  beforeEach(() => {
    jest.useFakeTimers({ now: new Date('2001-01-01T00:00:00Z'), doNotFake: [...REAL_TIMERS] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const isNow = async (table: 'author' | 'book') => {
    const [row] = await library.database.query(
      `select bool_and(deleted_at between clock_timestamp() - interval '1 minute' and clock_timestamp()) as now
       from ${table} where deleted_at is not null`,
    );
    return row.now as boolean | null;
  };

  it('takes the time of a flush and of softDelete() from the database', async () => {
    expect(new Date().getFullYear()).toBe(2001);
    await plant();
    const author = await em.findOneOrFail(Author, 1);
    em.remove(author);
    await em.flush();
    expect(await isNow('author')).toBe(true);
    expect(author.deletedAt!.getFullYear()).toBeGreaterThan(2020);
    const { deletedAt } = await repo(Book).softDelete(3);
    expect(await isNow('book')).toBe(true);
    expect(deletedAt.getFullYear()).toBeGreaterThan(2020);
  });

  it.each(['2001-01-01T00:00:00Z', '2101-01-01T00:00:00Z'])(
    'purges by the database’s clock where the application’s says %s',
    async (now) => {
      jest.setSystemTime(new Date(now));
      await library.database.query(`
        insert into tag (name, deleted_at) values
          ('due', clock_timestamp() - interval '31 days'), ('kept', clock_timestamp() - interval '29 days')`);
      const report = await createPurge(library.orm, { retention: '30d' }).run({ entities: [Tag] });
      expect(report.total).toBe(1);
      expect((await rows('tag')).map(({ name }) => name)).toEqual(['kept']);
    },
  );
});
