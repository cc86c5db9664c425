import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../startup/startup.error.js';
import { serverAccount, type ServerAccount } from './server-account.js';
import { serverBinaries, type ServerBinaries } from './server-binaries.js';

const USER = 'shop';

/**
 * A PostgreSQL that belongs to the app. It runs outside the app's process group, so that Ctrl-C in a terminal reaches the app
 * alone and the app ends it when its own work is done. A server that an app left behind (`kill -9`) is taken over.
 */
export class EmbeddedServer {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly binaries: ServerBinaries,
    private readonly account: ServerAccount,
  ) {}

  /** @throws StartupError if it does not come up */
  static async start(dataFolder: string): Promise<EmbeddedServer> {
    const binaries = await serverBinaries();
    const folder = clusterFolder(dataFolder);
    const account = await serverAccount(dataFolder, binaries.initdb);
    if (!existsSync(join(folder, 'PG_VERSION'))) {
      await createCluster(dataFolder, folder, binaries, account);
    }
    await removeStaleLock(folder);
    if (!runningPort(folder)) {
      const { code, output } = await execute(
        binaries.pg_ctl,
        [
          'start',
          '-w',
          '-t',
          '60',
          '-s',
          '-D',
          folder,
          '-l',
          join(folder, 'server.log'),
          '-o',
          `-p ${await freePort()}`,
        ],
        account,
      );
      // An app that was started at the same moment may have been faster: then its server is up, or about to be.
      if (code !== 0 && !(await waitForServer(folder))) {
        throw new StartupError(
          `PostgreSQL did not start: ${await lastComplaint(folder, output)}. Its log is ${join(folder, 'server.log')}; or set DATABASE_URL to a database of yours.`,
        );
      }
    }
    return new EmbeddedServer(embeddedServerUrl(dataFolder)!, folder, binaries, account);
  }

  async stop(): Promise<void> {
    await execute(this.binaries.pg_ctl, [...STOP, '-D', this.folder], this.account);
  }

  /** For the very end of the process, where nothing can be awaited any more. */
  stopNow(): void {
    if (runningPort(this.folder)) {
      const { file, args, options } = commandAs(this.account, this.binaries.pg_ctl, [...STOP, '-D', this.folder]);
      spawnSync(file, args, { ...options, stdio: 'ignore' });
    }
  }
}

const STOP = ['stop', '-w', '-s', '-m', 'fast'];

/** The address of the server that keeps its data in the folder, if one is running. */
export function embeddedServerUrl(dataFolder: string): string | undefined {
  const port = runningPort(clusterFolder(dataFolder));
  const password = passwordFile(dataFolder);
  return port && existsSync(password)
    ? `postgresql://${USER}:${readFileSync(password, 'utf8').trim()}@127.0.0.1:${port}/postgres`
    : undefined;
}

function clusterFolder(dataFolder: string): string {
  return join(dataFolder, 'postgres');
}

function passwordFile(dataFolder: string): string {
  return join(dataFolder, 'password');
}

/** Creates it aside and moves it into place, so that an app killed meanwhile leaves nothing half done. */
async function createCluster(
  dataFolder: string,
  folder: string,
  binaries: ServerBinaries,
  account: ServerAccount,
): Promise<void> {
  const draft = `${folder}.${randomBytes(4).toString('hex')}`;
  const password = join(dataFolder, 'password');
  try {
    await mkdir(draft, { recursive: true });
    await writeFile(password, randomBytes(16).toString('hex'), { mode: 0o600, flag: 'wx' }).catch(() => undefined);
    if (account.uid !== undefined && account.gid !== undefined) {
      await Promise.all([draft, password].map((path) => chown(path, account.uid!, account.gid!)));
    }
    const { code, output } = await execute(
      binaries.initdb,
      [
        `--pgdata=${draft}`,
        `--username=${USER}`,
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ],
      account,
    );
    if (code !== 0) {
      throw new StartupError(
        `PostgreSQL could not create its files in ${dataFolder}: ${complaint(output)}. Set DATABASE_URL to use a database of yours.`,
      );
    }
    await appendFile(
      join(draft, 'postgresql.conf'),
      "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nlc_messages = 'C'\n",
    );
    await rename(draft, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (!existsSync(join(folder, 'PG_VERSION'))) {
        throw error;
      }
    });
  } catch (cause) {
    throw cause instanceof StartupError
      ? cause
      : new StartupError(`The database cannot be kept in ${dataFolder}: ${(cause as Error).message}.`, { cause });
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The port in `postmaster.pid`, if the process that wrote it is alive and ready. */
function runningPort(folder: string): number | undefined {
  const lock = readLock(folder);
  return lock?.ready && isAlive(lock.pid) ? lock.port : undefined;
}

function readLock(folder: string): { pid: number; port: number; ready: boolean } | undefined {
  try {
    const lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // After a restart of the machine or the container, another program may have the number.
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
  } catch {
    return true;
  }
}

async function removeStaleLock(folder: string): Promise<void> {
  const lock = readLock(folder);
  if (lock && !isAlive(lock.pid)) {
    await rm(join(folder, 'postmaster.pid'), { force: true });
  }
}

async function waitForServer(folder: string): Promise<boolean> {
  for (let attempt = 0; attempt < 100 && existsSync(join(folder, 'postmaster.pid')); attempt++) {
    if (runningPort(folder)) {
      return true;
    }
    await sleep(100);
  }
  return false;
}

/** The prefix changes the user itself. */
function commandAs({ uid, gid, prefix }: ServerAccount, program: string, programArgs: readonly string[]) {
  const [file, ...args] = [...prefix, program, ...programArgs] as [string, ...string[]];
  return { file, args, options: { cwd: '/', ...(prefix.length === 0 && { uid, gid }) } };
}

async function execute(
  program: string,
  programArgs: readonly string[],
  account: ServerAccount,
): Promise<{ code: number | null; output: string }> {
  const { file, args, options } = commandAs(account, program, programArgs);
  const child = spawn(file, args, {
    ...options,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  try {
    // Not 'close': the server that pg_ctl starts keeps the pipes open.
    const [code] = await once(child, 'exit');
    return { code, output };
  } catch (error) {
    return { code: null, output: `${program}: ${(error as Error).message}` };
  } finally {
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

async function lastComplaint(folder: string, output: string): Promise<string> {
  const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '');
  const fatal = log
    .split('\n')
    .filter((line) => /FATAL|PANIC/.test(line))
    .at(-1);
  return fatal?.replace(/^.*?(FATAL|PANIC):\s*/, '') ?? complaint(output);
}

function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  return lines.find((line) => /error|fatal|denied|cannot|could not/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
