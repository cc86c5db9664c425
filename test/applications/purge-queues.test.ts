import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { LocalServer } from './support/local-server.js';
import { PurgeLoad } from './support/purge-load.js';
import { WorkerProcess } from './support/worker-process.js';

const FOLDER = 'es-modules/dist/purge-queues';
const COMMAND = 'node_modules/nestjs-mikro-orm-soft-delete/dist/cli/main.js';

describe('The purge in three processes', () => {
  let database: TestDatabase;
  let load: PurgeLoad;
  let processes: WorkerProcess[];
  let servers: LocalServer[];
  let folders: string[];

  beforeEach(async () => {
    [processes, servers, folders] = [[], [], []];
    database = await createTestDatabase();
    load = new PurgeLoad(database);
    await load.plant();
  });
  afterEach(async () => {
    await Promise.all(processes.map((each) => each.end('SIGKILL')));
    await Promise.all(servers.map((server) => server.stop()));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    await database.drop();
  });

  const start = (file: string, args: readonly string[], env: Record<string, string> = {}) => {
    const started = WorkerProcess.start(file, args, { DATABASE_URL: database.url, ...env });
    processes.push(started);
    return started;
  };
  const logs = () => processes.map(({ log }) => log).join('\n---\n');
  const workingOne = (others: readonly WorkerProcess[]) => others.find((each) => each.has('begins') && !each.hasEnded);

  /** One process is killed while it works, the next is asked to end, the last one finishes. */
  async function takeOver(workers: readonly WorkerProcess[]): Promise<void> {
    const left = [...workers];
    try {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await load.until(() => workingOne(left) !== undefined, 'a process has begun');
        await load.untilMore(500);
        const one = workingOne(left)!;
        expect(await one.end(signal)).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0);
        left.splice(left.indexOf(one), 1);
        expect(await load.removed()).toBeLessThan(load.due);
      }
      await load.until(() => left[0]!.has('done completed'), 'the last process is done');
    } catch (error) {
      throw new Error(`${String(error)}\n${logs()}`, { cause: error });
    }
    expect(await load.removed()).toBe(load.due);
    expect(await load.rest()).toEqual(PurgeLoad.nothingDue);
    expect(await left[0]!.end('SIGTERM')).toBe(0);
  }

  it('is carried by pg-boss, which notices the process that is killed and the one that ends', async () => {
    const first = start(`${FOLDER}/pg-boss.js`, ['--now']);
    await load
      .until(() => first.has('ready'), 'the first process is ready')
      .catch((error) => {
        throw new Error(`${error}\n${logs()}`);
      });
    await takeOver([first, start(`${FOLDER}/pg-boss.js`, []), start(`${FOLDER}/pg-boss.js`, [])]);

    // One at a time.
    expect(await database.query("select state from pgboss.job where state = 'active'")).toEqual([]);
  });

  it('is carried by BullMQ, which notices the process that is killed and the one that ends', async () => {
    const redis = await LocalServer.start(['valkey-server', 'redis-server'], (port) => [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ]);
    servers.push(redis);
    const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
    const [one, ...others] = [['--now'], [], []].map((args) => start(`${FOLDER}/bullmq.js`, args, env));
    await takeOver([one!, ...others]);
  });

  it('goes through PgBouncer in transaction mode, in commands at the same time', async () => {
    const bouncer = await startBouncer();
    try {
      const [killed, ended, last] = [1, 2, 3].map(() => startCommand(bouncer, []));
      await load.untilMore(300);
      expect(await killed!.end('SIGKILL')).toBe('SIGKILL');
      await load.untilMore(300);
      // Asked to end, it says so: a CronJob tries again.
      expect(await ended!.end('SIGTERM')).toBe(1);
      expect(await load.removed()).toBeLessThan(load.due);
      // Rows are blocked: somebody has to look at them.
      expect(await last!.end()).toBe(2);

      const report = JSON.parse(last!.log.trim().split('\n').at(-1)!);
      expect(report).toMatchObject({ outcome: 'completed', isFinished: true });
      expect(report.entities).toMatchObject([
        { entity: 'Thing', blocked: 0, failed: 0, locked: 0 },
        { entity: 'Owner', blocked: 20, failed: 0, locked: 0 },
      ]);
      expect(await load.removed()).toBe(load.due);
      expect(await load.rest()).toEqual(PurgeLoad.nothingDue);
    } catch (error) {
      throw new Error(`${String(error)}\n${logs()}`, { cause: error });
    }
  });

  it('ends a rehearsal that is aborted behind PgBouncer together with the statement that it waits for', async () => {
    const locking = await database.connect();
    const waiting = () =>
      database.query<{ query: string }>(
        "select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
    try {
      const bouncer = await startBouncer();
      await locking.query('begin; lock table thing, owner in access exclusive mode');
      const rehearsal = startCommand(bouncer, ['--dry-run']);
      await load.until(async () => (await waiting()).length > 0, 'the rehearsal reads');
      expect(await rehearsal.end('SIGTERM')).toBe(1);
      expect(await waiting()).toEqual([]);
    } catch (error) {
      throw new Error(`${String(error)}\n${logs()}`, { cause: error });
    } finally {
      await locking.end();
    }
    expect(await load.removed()).toBe(0);
  });

  async function startBouncer(): Promise<LocalServer> {
    const folder = await mkdtemp(join(tmpdir(), 'soft-delete-pgbouncer-'));
    folders.push(folder);
    const url = new URL(database.url);
    const bouncer = await LocalServer.start(
      ['pgbouncer', '/usr/sbin/pgbouncer'],
      (port) => [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), join(folder, `${port}.ini`)],
      (port) =>
        writeFile(
          join(folder, `${port}.ini`),
          `[databases]
${database.name} = host=${url.hostname} port=${url.port} user=${url.username} password=${url.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
`,
        ),
    );
    servers.push(bouncer);
    return bouncer;
  }

  /** The command's purge, through the pooler. */
  function startCommand({ port }: LocalServer, args: readonly string[]): WorkerProcess {
    return start(COMMAND, ['purge', '--json', '--config', `${FOLDER}/mikro-orm.config.js`, ...args], {
      // The ORM's own package is linked here, not listed in a package.json.
      MIKRO_ORM_ALLOW_GLOBAL_CLI: '1',
      DATABASE_URL: `postgresql://postgres@127.0.0.1:${port}/${database.name}`,
    });
  }
});
