import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PurgeLoad } from './support/purge-load.js';
import { WorkerProcess } from './support/worker-process.js';

const COMMAND = 'node_modules/nestjs-mikro-orm-soft-delete/dist/cli/main.js';
const CONFIG = 'es-modules/dist/purge-queues/mikro-orm.config.js';

/** What a Kubernetes CronJob sees of `soft-delete purge`: its exit code, and whether it ends when it is told to. */
describe('The purge as a CronJob', () => {
  let database: TestDatabase;
  let load: PurgeLoad;

  beforeEach(async () => {
    database = await createTestDatabase();
    load = new PurgeLoad(database, 500);
    await load.plant();
  });
  afterEach(() => database.drop());

  const start = (args: readonly string[] = [], url = database.url) =>
    WorkerProcess.start(COMMAND, ['purge', '--json', '--config', CONFIG, ...args], {
      DATABASE_URL: url,
      MIKRO_ORM_ALLOW_GLOBAL_CLI: '1',
    });
  const outcomeOf = ({ log }: WorkerProcess) => JSON.parse(log.trim().split('\n').at(-1)!).outcome as string;
  const unblock = () => database.query('delete from thing where deleted_at is null');

  it('succeeds when all that was due is gone', async () => {
    await unblock();
    const pod = start();
    expect(await pod.end()).toBe(0);
    expect(outcomeOf(pod)).toBe('completed');
    expect(await database.query('select from owner where deleted_at is not null')).toEqual([]);
  });

  it('exits with 2 where trying again does not help: rows are blocked', async () => {
    const pod = start();
    expect(await pod.end()).toBe(2);
    expect(await load.rest()).toEqual(PurgeLoad.nothingDue);
  });

  it('succeeds when its time is up, and the next one goes on', async () => {
    await unblock();
    const pod = start(['--time-budget', '300ms']);
    expect(await pod.end()).toBe(0);
    expect(outcomeOf(pod)).toBe('time-budget');
    expect(await load.removed()).toBeLessThan(load.due);
    expect(await start().end()).toBe(0);
    expect(await database.query('select from owner where deleted_at is not null')).toEqual([]);
  });

  it('exits with 1 when it is told to end or cannot reach the database, so that it is tried again', async () => {
    await unblock();
    const pod = start();
    await load.untilMore(200);
    expect(await pod.end('SIGTERM')).toBe(1);
    expect(outcomeOf(pod)).toBe('aborted');
    const removed = await load.removed();
    expect(removed).toBeLessThan(load.due);

    expect(await start([], 'postgresql://postgres@127.0.0.1:1/none').end()).toBe(1);
    expect(await start(['--fast']).end()).toBe(1);
    expect(await load.removed()).toBe(removed);

    expect(await start().end()).toBe(0);
    expect(await database.query('select from owner where deleted_at is not null')).toEqual([]);
  });
});
