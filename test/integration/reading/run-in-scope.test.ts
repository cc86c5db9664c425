import { jest } from '@jest/globals';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type DeletedScope,
  runInScope,
  SoftDeleteConfigError,
  SoftDeleteEvents,
  SoftDeleteNotInstalledError,
} from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { Book } from '../../support/library.js';
import { createTestOrm } from '../../support/orm.js';
import { useLibrary } from '../../support/use-library.js';

@Entity()
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const ALL = { active: [1, 3], with: [1, 2, 3], only: [2] } as const;

describe(runInScope.name, () => {
  const library = useLibrary();
  let em: EntityManager;

  beforeEach(async () => {
    await library.plant();
    await library.database.query('update book set deleted_at = now() where id = 2');
    em = library.em;
  });

  const ids = async (manager = library.fork()) => {
    const books = await manager.find(Book, {}, { orderBy: { id: 1 } });
    return books.map(({ id }) => id);
  };

  it.each(['active', 'with', 'only'] as const)('has every read in the function use "%s"', async (scope) => {
    const read = await runInScope(em, scope, async () => {
      const before = await ids(em.fork() as EntityManager);
      await sleep(1);
      const counts = await Promise.all([em.count(Book), library.repo(Book).count()]);
      const raw = await library.repo(Book).qb('b').orderBy({ id: 1 }).getResult();
      return { before, after: await ids(), counts, raw: raw.map(({ id }) => id) };
    });
    const expected = [...ALL[scope]];
    expect(read).toEqual({
      before: expected,
      after: expected,
      counts: [expected.length, expected.length],
      raw: expected,
    });
    expect(await ids()).toEqual([1, 3]);
  });

  it('nests and runs in parallel', async () => {
    const nested = await runInScope(em, 'with', async () => {
      const inner = await runInScope(em, 'only', () =>
        runInScope(em, 'active', () => ids()).then(async (a) => [a, await ids()]),
      );
      return [...inner, await ids()];
    });
    expect(nested).toEqual([[1, 3], [2], [1, 2, 3]]);
    const parallel = (['with', 'active', 'only'] as DeletedScope[]).map((scope) =>
      runInScope(em, scope, async () => {
        await sleep(2);
        return ids();
      }),
    );
    expect(await Promise.all([...parallel, ids()])).toEqual([[1, 2, 3], [1, 3], [2], [1, 3]]);
  });

  it('shows active rows to what outlives it, also where it was nested or has failed', async () => {
    const gate = Promise.withResolvers<void>();
    const late: Promise<number[]>[] = [];
    const leave = () => {
      late.push(
        gate.promise.then(() => ids()),
        new Promise((resolve) => setTimeout(() => resolve(ids()), 30)),
      );
    };
    await runInScope(em, 'with', async () => {
      await runInScope(em, 'only', async () => leave());
      leave();
      runInScope(em, 'only', leave);
    });
    await expect(
      runInScope(em, 'with', async () => {
        leave();
        throw new RangeError('out of range');
      }),
    ).rejects.toThrow(RangeError);
    expect(() =>
      runInScope(em, 'with', () => {
        leave();
        throw new RangeError('out of range');
      }),
    ).toThrow(RangeError);
    gate.resolve();
    expect(await Promise.all(late)).toEqual(late.map(() => [1, 3]));
  });

  it('closes what a read view opens as well', async () => {
    const gate = Promise.withResolvers<void>();
    const late: Promise<number[]>[] = [];
    let isRecording = true;
    const subscriber = {
      onLoad: () => void (isRecording && late.push(gate.promise.then(() => ids()))),
    };
    em.getEventManager().registerSubscriber(subscriber);
    await library.repo(Book, library.fork()).withDeleted().find({});
    await library.repo(Book, library.fork()).onlyDeleted().findOne({});
    isRecording = false;
    gate.resolve();
    expect(late.length).toBe(4);
    expect(await Promise.all(late)).toEqual(late.map(() => [1, 3]));
  });

  it('returns what the function returns, a value or a promise', async () => {
    expect(runInScope(em, 'with', () => 5)).toBe(5);
    expect(await runInScope(em, 'with', async () => 5)).toBe(5);
    // A query builder keeps the scope that it was made in.
    const books = await runInScope(em, 'only', () => library.repo(Book).qb()).getResult();
    expect(books.map(({ id }) => id)).toEqual([2]);
  });

  it('lasts for a generator and a stream until they end', async () => {
    const gate = Promise.withResolvers<void>();
    const late: Promise<number[]>[] = [];
    const generate = async function* () {
      late.push(gate.promise.then(() => ids()));
      yield await ids();
      yield await ids();
    };
    const seen: number[][] = [];
    for await (const found of runInScope(em, 'with', generate)) {
      seen.push(found);
    }
    const streamed = await runInScope(em, 'only', () => Readable.from(generate())).toArray();
    const rows: number[] = [];
    for await (const { id } of runInScope(em, 'only', () => em.fork().stream(Book, {}))) {
      rows.push(id);
    }
    for await (const found of runInScope(em, 'with', generate)) {
      seen.push(found);
      break;
    }
    gate.resolve();
    expect({ seen, streamed, rows, late: await Promise.all(late) }).toEqual({
      seen: [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
      streamed: [[2], [2]],
      rows: [2],
      late: [
        [1, 3],
        [1, 3],
        [1, 3],
      ],
    });
  });

  it('shows listeners of events active rows, whoever deletes', async () => {
    const seen: Promise<number[]>[] = [];
    const { events } = getInstallation(em);
    expect(events).toBeInstanceOf(SoftDeleteEvents);
    const subscription = events.stream$.subscribe(() => void seen.push(ids()));
    await runInScope(em, 'with', () => library.repo(Book).softDelete(1));
    subscription.unsubscribe();
    expect(await Promise.all(seen)).toContainEqual([3]);
  });

  it('never lets a bulk write reach deleted rows', async () => {
    await runInScope(em, 'with', () => em.nativeUpdate(Book, {}, { title: 'changed' }));
    expect(await library.database.query('select title from book order by id')).toEqual([
      { title: 'changed' },
      { title: 'two' },
      { title: 'changed' },
    ]);
  });

  it.each(['deleted', '', undefined, null, 'With'])(
    'refuses the scope %j before it calls the function',
    async (scope) => {
      const called = jest.fn();
      expect(() => runInScope(em, scope as never, called)).toThrow(SoftDeleteConfigError);
      expect(() => library.repo(Book).scope(scope as never)).toThrow(SoftDeleteConfigError);
      expect(called).not.toHaveBeenCalled();
    },
  );

  it('needs soft deletion on the ORM', async () => {
    const bare = await createTestOrm([Note], {}, false);
    try {
      expect(() => runInScope(bare.orm.em, 'with', () => 1)).toThrow(SoftDeleteNotInstalledError);
    } finally {
      await bare.close();
    }
  });
});
