import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../startup/startup.error.js';
import { reachableFolder } from './reachable-folder.js';
import { serverAccount, type ServerAccount } from './server-account.js';
import { serverBinaries, type ServerBinaries } from './server-binaries.js';
import { readLock, removeStaleLock, runningPort } from './server-lock.js';

const USER = 'shop';

/**
 * A PostgreSQL that belongs to the app. It runs in a process group of its own, so that Ctrl-C in a terminal reaches the app
 * alone, and the app ends it when its own work is done. A server that an app left behind (`kill -9`) is taken over.
 */
export class EmbeddedServer {
  private constructor(
    readonly url: string,
    /** Where its data is. */
    readonly home: string,
    private readonly folder: string,
    private readonly binaries: ServerBinaries,
    private readonly account: ServerAccount,
    private readonly process: ChildProcess | undefined,
  ) {}

  /** @throws StartupError if it does not come up */
  static async start(dataFolder: string): Promise<EmbeddedServer> {
    const account = serverAccount();
    const binaries = await serverBinaries(account);
    const home = reachableFolder(dataFolder);
    const folder = clusterFolder(home);
    if (!existsSync(join(folder, 'PG_VERSION'))) {
      await createCluster(home, folder, binaries, account);
    }
    const process = await bringUp(folder, binaries, account);
    return new EmbeddedServer(embeddedServerUrl(dataFolder)!, home, folder, binaries, account, process);
  }

  async stop(): Promise<void> {
    await execute(this.binaries.pg_ctl, [...STOP, '-D', this.folder], this.account);
    if (this.process?.exitCode === null && this.process.signalCode === null) {
      await once(this.process, 'exit');
    }
  }

  /** For the very end of the process, where nothing can be awaited any more. */
  stopNow(): void {
    if (runningPort(this.folder)) {
      spawnSync(this.binaries.pg_ctl, [...STOP, '-D', this.folder], { ...this.account, cwd: '/', stdio: 'ignore' });
    }
  }
}

const STOP = ['stop', '-w', '-s', '-m', 'fast'];

/** The address of the server that keeps its data in the folder, if one is running. */
export function embeddedServerUrl(dataFolder: string): string | undefined {
  const home = reachableFolder(dataFolder);
  const port = runningPort(clusterFolder(home));
  const password = passwordFile(home);
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
  home: string,
  folder: string,
  binaries: ServerBinaries,
  account: ServerAccount,
): Promise<void> {
  const draft = `${folder}.${randomBytes(4).toString('hex')}`;
  const password = passwordFile(home);
  try {
    await mkdir(draft, { recursive: true });
    // Under a strict umask only root could enter it.
    await chmod(home, 0o755);
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
        `PostgreSQL could not create its files in ${home}: ${complaint(output)}. Set DATABASE_URL to use a database of yours.`,
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
      : new StartupError(`The database cannot be kept in ${home}: ${(cause as Error).message}.`, { cause });
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Starts the server, unless one is running on the folder. */
async function bringUp(
  folder: string,
  binaries: ServerBinaries,
  account: ServerAccount,
): Promise<ChildProcess | undefined> {
  for (let attempt = 1; ; attempt++) {
    await removeStaleLock(folder);
    if (runningPort(folder)) {
      return undefined;
    }
    const { process, failure } = await launch(folder, binaries, account);
    if (!failure) {
      return process;
    }
    // An app that was started at the same moment may have been faster: then its server is up, or about to be.
    if (await waitForServer(folder)) {
      return undefined;
    }
    // The sessions of a server that was killed take a moment to notice.
    if (attempt === 20 || !/shared memory/.test(failure)) {
      throw new StartupError(
        `PostgreSQL did not start: ${failure}. Its log is ${join(folder, 'server.log')}; or set DATABASE_URL to a database of yours.`,
      );
    }
    await sleep(250);
  }
}

async function launch(folder: string, binaries: ServerBinaries, account: ServerAccount) {
  const log = await open(join(folder, 'server.log'), 'a');
  const { size } = await log.stat();
  const process = spawn(binaries.postgres, ['-D', folder, '-p', `${await freePort()}`], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  let failure: string | undefined;
  const ended = new Promise<void>((resolve) => {
    process.once('error', (error) => resolve(void (failure = error.message)));
    process.once('exit', () => resolve(void (failure ??= lastComplaint(folder, size))));
  });
  const isUp = () => readLock(folder)?.pid === process.pid && runningPort(folder) !== undefined;
  while (!isUp() && (await Promise.race([ended.then(() => false), sleep(20, true)]))) {
    // Until it is up or has ended.
  }
  return { process, failure };
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

async function execute(
  program: string,
  args: readonly string[],
  account: ServerAccount,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    ...account,
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  try {
    const [code] = await once(child, 'close');
    return { code, output };
  } catch (error) {
    return { code: null, output: `${program}: ${(error as Error).message}` };
  }
}

/** The reason that the server gave in its log, from where the log was when it started. */
function lastComplaint(folder: string, from: number): string {
  const log = readFileSync(join(folder, 'server.log')).subarray(from).toString();
  const fatal = log
    .split('\n')
    .filter((line) => /FATAL|PANIC/.test(line))
    .at(-1);
  return fatal?.replace(/^.*?(FATAL|PANIC):\s*/, '') ?? complaint(log);
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
