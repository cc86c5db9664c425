import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, type PurgeReport, type PurgeService } from 'nestjs-mikro-orm-soft-delete';
import { PurgeScheduler } from '../../../lib/schedule/purge.scheduler.js';
import type { TestDatabase } from '../../support/database.js';
import { City, createPeopleDatabase, Person, Pet } from './people.js';

/** Half an hour away from now, in either direction. */
const HOURLY = `${(new Date().getMinutes() + 30) % 60} * * * *`;

/** Overdue by longer than any period. */
const OVERDUE = {
  at: new Date(),
  entities: [{ entity: 'Person', table: 'person', cutoff: new Date(), oldestDue: undefined, overdueBy: 1e12 }],
};

describe(`${PurgeScheduler.name}, where ticks were missed`, () => {
  let database: TestDatabase;
  let orms: MikroORM[];
  let schedulers: PurgeScheduler[];
  let reports: PurgeReport[];
  let asked: unknown[];
  let lines: string[];

  beforeEach(async () => {
    database = await createPeopleDatabase();
    [orms, schedulers, reports, asked, lines] = [[], [], [], [], []];
    Logger.overrideLogger({
      log: (message) => lines.push(String(message)),
      warn: (message) => lines.push(`warn: ${message}`),
      error: (message) => lines.push(`error: ${message}`),
    });
    // An hour of retention, and a row that was deleted that long ago.
    await setAge('3 hours');
  });
  afterEach(async () => {
    jest.useRealTimers();
    await Promise.all(schedulers.map((scheduler) => scheduler.onModuleDestroy()));
    await Promise.all(orms.map((orm) => orm.close()));
    await database.drop();
    Logger.overrideLogger(undefined as never);
  });

  const setAge = (age: string) =>
    database.query(`update person set deleted_at = now() - interval '${age}' where deleted_at is not null`);
  const people = async () => (await database.query('select name from person order by id')).map(({ name }) => name);

  /** An instance of an application, without the rest of it. */
  async function start({
    cron = HOURLY,
    delay = () => 0,
    purge: given,
  }: { cron?: string; delay?: () => number; purge?: Pick<PurgeService, 'run' | 'lag'> } = {}): Promise<PurgeScheduler> {
    const orm = await MikroORM.init({ clientUrl: database.url, entities: [Person, Pet, City] });
    orms.push(orm);
    const own = createPurge(orm, { brake: false });
    const purge = given ?? {
      run: async () => {
        const report = await own.run();
        reports.push(report);
        return report;
      },
      lag: (options) => {
        asked.push(options);
        return own.lag(options);
      },
    };
    const registry = new SchedulerRegistry();
    const schedule = { jobName: 'purge', cron, timeZone: undefined };
    const scheduler = new PurgeScheduler(purge, schedule, { get: () => registry as never }, delay);
    schedulers.push(scheduler);
    await scheduler.onModuleInit();
    scheduler.onApplicationBootstrap();
    return scheduler;
  }

  it('makes up for a run that nobody was there for, and says so', async () => {
    await start();
    await until(() => reports.length > 0);
    await until(() => lines.length > 1);

    expect(await people()).toEqual(['Ada']);
    expect(lines).toEqual([
      'Rows should have been purged while nothing ran. A run makes up for it.',
      expect.stringMatching(/^Purge completed after \d+ ms: 1 row removed/),
    ]);
  });

  it.each([
    ['was overdue for less than a period', HOURLY, '90 minutes'],
    ['is not due', HOURLY, '30 minutes'],
    ['waits for Monday, as every weekend', '0 3 * * 1-5', '2 days'],
    ['waits for a tick every four years', '0 0 29 2 *', '3 years'],
  ])('waits for the next tick if a row %s', async (_what, cron, age) => {
    await setAge(age);
    await start({ cron });
    await until(() => asked.length > 0);
    await wait(200);

    expect(asked).toEqual([{}]);
    expect(await people()).toEqual(['Ada', 'Bob']);
    expect(lines).toEqual([]);
  });

  it('does nothing about rows that are blocked, since no run could remove them', async () => {
    await database.query(`create table visit (person_id int references person (id));
      insert into visit select id from person where deleted_at is not null`);
    await start();
    await until(() => asked.length > 1);
    await wait(200);

    expect(asked).toEqual([{}, { unblocked: true }]);
    expect(reports).toEqual([]);
  });

  it('has two instances do the work once: the later one finds nothing to make up for', async () => {
    const later = await Promise.all([start(), start({ delay: () => 2_000 })]);
    await until(() => asked.length === 4);
    await wait(200);

    expect(later).toHaveLength(2);
    expect(reports.map(({ total }) => total)).toEqual([1]);
    expect(await people()).toEqual(['Ada']);
  });

  it('removes each row once where two instances begin at the same moment', async () => {
    await database.query(
      "insert into person (name, deleted_at) select 'x', now() - interval '1 day' from generate_series(1, 500)",
    );
    await Promise.all([start(), start()]);
    const removed = () => reports.reduce((sum, { total }) => sum + total, 0);
    await until(() => removed() >= 501 && (reports.length === 2 || asked.length === 4));
    await wait(200);

    expect(removed()).toBe(501);
    expect(await people()).toEqual(['Ada']);
  });

  it('begins within a minute, not at once', async () => {
    const lag = async () => OVERDUE;
    const begun: number[] = [];
    const run = async () => {
      begun.push(Date.now());
      return Promise.reject(new Error('No database.'));
    };
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const at = Date.now();
    for (let instance = 0; instance < 20; instance++) {
      const scheduler = new PurgeScheduler(
        { run, lag } as never,
        { jobName: `purge ${instance}`, cron: HOURLY, timeZone: undefined },
        { get: () => new SchedulerRegistry() as never },
      );
      schedulers.push(scheduler);
      await scheduler.onModuleInit();
      scheduler.onApplicationBootstrap();
    }
    await jest.advanceTimersByTimeAsync(60_000);

    expect(begun).toHaveLength(20);
    expect(new Set(begun).size).toBeGreaterThan(10);
    expect(Math.max(...begun) - at).toBeLessThanOrEqual(60_000);
  });

  it('keeps no process alive that has nothing else to do', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    await start({ delay: () => 54_321 });
    const made = () => timers.mock.calls.findIndex(([, delay]) => delay === 54_321);
    while (made() < 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const timer = timers.mock.results[made()]!.value as NodeJS.Timeout;
    timers.mockRestore();

    expect(timer.hasRef()).toBe(false);
  });

  it('gives up when the application closes before', async () => {
    const scheduler = await start({ delay: () => 300 });
    await until(() => asked.length > 0);
    await scheduler.onModuleDestroy();
    await wait(500);

    expect([asked.length, reports]).toEqual([1, []]);
  });

  it.each([
    ['is told of overdue rows', (resolve: (lag: never) => void) => resolve(OVERDUE as never)],
    ['cannot tell', (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('closed'))],
  ])('neither runs nor warns where the application closes before it %s', async (_what, answer) => {
    let answers!: () => void;
    const lag = () =>
      new Promise<never>((resolve, reject) => {
        answers = () => answer(resolve, reject);
      });
    const run = () => Promise.reject(new Error('No run expected.'));
    const scheduler = await start({ purge: { lag, run } });
    let isClosed = false;
    const closing = scheduler.onModuleDestroy().then(() => (isClosed = true));
    await wait(20);
    // The ORM must not close while it is asked something.
    expect(isClosed).toBe(false);
    answers();
    await closing;
    await wait(50);
    expect(lines).toEqual([]);
  });

  it('warns of what the run that makes up for it left, one line for each entity that failed', async () => {
    const pet = { entity: 'Pet', purged: 0, blocked: 0, failed: 0, locked: 0 };
    const entities = [{ ...pet, entity: 'Person', failed: 1, error: 'Person: two rows failed.' }, pet];
    const report = { outcome: 'completed', startedAt: new Date(), finishedAt: new Date(), total: 0, entities };
    const run = async () => report as never;
    await start({ purge: { lag: async () => OVERDUE, run } });
    await until(() => lines.length > 2);
    expect(lines.slice(1)).toEqual(['warn: Person: two rows failed.', expect.stringMatching(/^warn: Purge completed/)]);
  });

  it('only warns if it cannot tell, since the next tick comes anyway', async () => {
    const lag = () => Promise.reject(new Error('No database today.'));
    await start({ purge: { lag, run: () => Promise.reject(new Error('No run expected.')) } });
    await until(() => lines.length > 0);

    expect(lines).toEqual(['warn: Whether a purge was missed cannot be told: No database today.']);
  });
});

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await wait(20);
  }
}
