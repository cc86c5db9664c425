import { type BeforeApplicationShutdown, Injectable, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  getPurgeJobName,
  OnPurge,
  PurgeService,
  SOFT_DELETE_PURGE_JOB,
  SoftDeleteModule,
  type SoftDeleteModuleOptions,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from './people.js';

const EVERY_SECOND = '* * * * * *';
const NEVER_TODAY = '0 0 29 2 *';

/** Holds every batch of people until it is let go. */
@Injectable()
class Gate implements BeforeApplicationShutdown {
  readonly arrived = deferred();
  readonly opened = deferred();
  inside = 0;
  most = 0;
  passed = 0;
  passedBeforeShutdown?: number;

  beforeApplicationShutdown(): void {
    this.passedBeforeShutdown = this.passed;
  }

  @OnPurge(Person)
  async hold(): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    this.arrived.resolve();
    await this.opened.promise;
    this.inside--;
    this.passed++;
  }
}

class Lines implements LoggerService {
  readonly lines: string[] = [];
  log = (message: unknown, context?: string) => this.#add('log', message, context);
  warn = (message: unknown, context?: string) => this.#add('warn', message, context);
  error = (message: unknown, _stack?: string, context?: string) => this.#add('error', message, context);

  of(context: string): string[] {
    return this.lines.filter((line) => line.startsWith(`${context} `));
  }

  #add(level: string, message: unknown, context = ''): void {
    this.lines.push(`${context} ${level}: ${String(message)}`);
  }
}

describe(`${SoftDeleteModule.name} with purge.cron`, () => {
  let database: TestDatabase;
  let app: TestingModule;
  let log: Lines;

  beforeEach(async () => {
    database = await createPeopleDatabase();
  });

  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  async function start(purge: SoftDeleteModuleOptions['purge'], metadata: ModuleMetadata = {}): Promise<void> {
    log = new Lines();
    app = await Test.createTestingModule({
      ...metadata,
      imports: [mikroOrmModule(database), ScheduleModule.forRoot(), SoftDeleteModule.forRoot({ purge })],
    })
      .setLogger(log)
      .compile();
    await app.init();
  }

  const job = () => app.get(SchedulerRegistry).getCronJob(SOFT_DELETE_PURGE_JOB);
  const names = async () => (await database.query('select name from person order by id')).map(({ name }) => name);

  it("purges when the application's scheduler ticks and logs one line", async () => {
    await start({ cron: EVERY_SECOND });
    await until(() => log.of(SOFT_DELETE_PURGE_JOB).length > 0);
    expect(await names()).toEqual(['Ada']);
    expect(log.of(SOFT_DELETE_PURGE_JOB)[0]).toMatch(
      /^soft-delete-purge log: Purge completed after \d+ ms: 1 row removed \(Person 1\), 0 blocked, 0 failed, 0 locked\.$/,
    );
  });

  it("leaves the application's own jobs alone: one call per tick", async () => {
    const ticks: number[] = [];

    @Injectable()
    class Heartbeat {
      @Cron(EVERY_SECOND)
      beat() {
        ticks.push(Math.round(Date.now() / 1000));
      }
    }

    await start({ cron: EVERY_SECOND }, { providers: [Heartbeat] });
    await until(() => ticks.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(new Set(ticks).size).toBe(ticks.length);
    expect([...app.get(SchedulerRegistry).getCronJobs().values()]).toHaveLength(2);
  });

  it('ticks in the time zone given, under a name per ORM', async () => {
    const crm = await createPeopleDatabase();
    app = await Test.createTestingModule({
      imports: [
        mikroOrmModule(database),
        mikroOrmModule(crm, 'crm'),
        ScheduleModule.forRoot(),
        SoftDeleteModule.forRoot({ purge: { cron: '0 3 * * *', timeZone: 'Asia/Tokyo' } }),
        SoftDeleteModule.forRoot({ contextName: 'crm', purge: { cron: '0 4 * * *', timeZone: 'Asia/Tokyo' } }),
      ],
    }).compile();
    await app.init();
    expect(job().nextDate().toUTC().hour).toBe(18);
    expect(app.get(SchedulerRegistry).getCronJob(getPurgeJobName('crm')).nextDate().toUTC().hour).toBe(19);
    expect(getPurgeJobName('crm')).toBe(`${SOFT_DELETE_PURGE_JOB}:crm`);
    await app.close();
    await crm.drop();
  });

  it('runs late rather than not at all when the process was too busy to tick in time', async () => {
    const due = new Date(Date.now() + 6_000);
    await start({ cron: `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * *`, timeZone: 'UTC' });
    const { cronTime } = job();
    const sendAt = cronTime.sendAt.bind(cronTime);
    await job().stop();
    const date = job().nextDate();
    expect(date.toMillis() - Date.now()).toBeLessThan(60_000);
    await new Promise((resolve) => setTimeout(resolve, date.toMillis() - Date.now() - 50));
    // The process is busy just while the job works out when it is due, until that was half a second ago: from here on
    // the job thinks of tomorrow.
    const { warn } = console;
    Object.assign(console, { warn: () => undefined });
    Object.assign(cronTime, {
      sendAt() {
        Object.assign(cronTime, { sendAt });
        while (Date.now() < date.toMillis() + 500);
        return date;
      },
    });
    job().start();
    Object.assign(console, { warn });
    expect(job().nextDate().toMillis() - Date.now()).toBeGreaterThan(60_000);
    await until(() => log.of(SOFT_DELETE_PURGE_JOB).length > 0);
    expect(await names()).toEqual(['Ada']);
  });

  it('never runs twice at a time, and makes up for the ticks that came meanwhile with one run', async () => {
    // Under a second token the provider is the same, so its hook is called once.
    await start({ cron: NEVER_TODAY }, { providers: [Gate, { provide: 'gate', useExisting: Gate }] });
    const gate = app.get(Gate);
    await job().fireOnTick();
    await gate.arrived.promise;
    await database.query(`insert into person (name, deleted_at) values ('Eve', now() - interval '2 hours')`);
    for (let tick = 0; tick < 3; tick++) {
      await job().fireOnTick();
    }
    gate.opened.resolve();
    await until(() => log.of(SOFT_DELETE_PURGE_JOB).length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(log.of(SOFT_DELETE_PURGE_JOB)).toHaveLength(2);
    expect(gate).toMatchObject({ most: 1, passed: 2 });
    expect(await names()).toEqual(['Ada']);
  });

  it('logs a run that fails, and runs again', async () => {
    await start({ cron: NEVER_TODAY });
    // Whether a run was missed at the start may be asked while the table is away.
    const lines = () => log.of(SOFT_DELETE_PURGE_JOB).filter((line) => !line.includes('was missed'));
    await database.query('alter table person rename to persons');
    await job().fireOnTick();
    await until(() => lines().length === 1);
    expect(lines()[0]).toMatch(/^soft-delete-purge error: The purge failed/);
    await database.query('alter table persons rename to person');
    await job().fireOnTick();
    await until(() => lines().length === 2);
    expect(await names()).toEqual(['Ada']);
  });

  it.each([
    ['the job', 1, () => job().fireOnTick()],
    ['the service', 0, () => void app.get(PurgeService).run()],
  ])(
    'finishes the batch under way that %s began, and no more, before the application closes',
    async (_, lines, begin) => {
      await database.query(`insert into person (name, deleted_at) values ('Eve', now() - interval '2 hours')`);
      await start({ cron: NEVER_TODAY, batchSize: 1 }, { providers: [Gate] });
      const gate = app.get(Gate);
      const scheduled = job();
      await begin();
      await gate.arrived.promise;
      if (lines > 0) {
        await job().fireOnTick();
      }

      let isClosed = false;
      const closing = app.close().finally(() => {
        isClosed = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      const meanwhile = { isClosed, isActive: scheduled.isActive, names: await names() };
      gate.opened.resolve();
      await closing;

      expect(meanwhile).toEqual({ isClosed: false, isActive: false, names: ['Ada', 'Bob', 'Eve'] });
      expect(gate).toMatchObject({ passed: 1, passedBeforeShutdown: 1 });
      expect(await names()).toHaveLength(2);
      expect(log.of(SOFT_DELETE_PURGE_JOB)).toHaveLength(lines);
      expect(await app.get(PurgeService).run({ dryRun: true })).toMatchObject({ outcome: 'aborted' });
    },
  );
});

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Gives up in the end: a loop that outlives its test keeps the runner from ending. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !condition(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}
