import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { embeddedServerUrl } from '../../sample-app/src/database/embedded-server.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const adminApiKey = 'the-key-of-the-tests';

export interface Start {
  readonly dataFolder: string;
  readonly command?: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  /** In a process group of its own, as a shell in a terminal starts it. */
  readonly detached?: boolean;
}

/** The built sample app in a process of its own. */
export class Shop {
  output = '';
  errors = '';

  private constructor(
    readonly process: ChildProcess,
    private readonly dataFolder: string,
  ) {
    process.stdout!.on('data', (chunk) => (this.output += chunk));
    process.stderr!.on('data', (chunk) => (this.errors += chunk));
  }

  static launch({ dataFolder, env, detached = false, command }: Start): Shop {
    const [file, ...args] = command ?? [process.execPath, join(root, 'sample-app/dist/main.js')];
    const child = spawn(file, args, {
      cwd: root,
      env: {
        ...withoutJest(process.env),
        PORT: '0',
        DATA_FOLDER: dataFolder,
        ADMIN_API_KEY: adminApiKey,
        ...env,
      },
      detached,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Shop(child, dataFolder);
  }

  /** Launches it and waits until it is open. */
  static async open(start: Start): Promise<Shop> {
    const shop = Shop.launch(start);
    await shop.untilOpen();
    return shop;
  }

  async untilOpen(): Promise<void> {
    await this.untilPrinted(/The shop is open: http/);
  }

  async untilPrinted(line: RegExp): Promise<void> {
    const signal = AbortSignal.timeout(25_000);
    while (!line.test(this.output)) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`The sample app ended: ${this.errors}${this.output}`);
      }
      await Promise.race([
        once(this.process.stdout!, 'data', { signal }),
        once(this.process, 'exit', { signal }),
      ]).catch(() => {
        throw new Error(`The sample app did not print ${line}: ${this.errors}${this.output}`);
      });
    }
  }

  get address(): string {
    return /http:\/\/localhost:\d+/.exec(this.output)![0];
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** Its exit code, or the signal that ended it, once it has ended. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await once(this.process, 'exit', { signal: AbortSignal.timeout(20_000) });
    }
    return this.process.exitCode ?? this.process.signalCode;
  }

  async close(): Promise<number | NodeJS.Signals | null> {
    this.process.kill('SIGTERM');
    return this.ended();
  }

  async request(method: string, path: string, { body, key = adminApiKey }: { body?: unknown; key?: string } = {}) {
    const response = await fetch(this.address + path, {
      method,
      headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  }

  /** Raw SQL on a connection of its own. */
  async query<Row extends pg.QueryResultRow = any>(sql: string, database = 'postgres'): Promise<Row[]> {
    const client = new pg.Client(this.databaseUrl(database));
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  databaseUrl(database = 'postgres'): string {
    const url = new URL(embeddedServerUrl(this.dataFolder)!);
    url.pathname = `/${database}`;
    return url.href;
  }
}

export async function newDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soft-delete-shop-'));
  // Root's database server runs as another user.
  await chmod(folder, 0o755);
  return folder;
}

export async function removeDataFolder(folder: string): Promise<void> {
  const server = serverPid(folder);
  if (server !== undefined && isRunning(server)) {
    process.kill(server, 'SIGQUIT');
  }
  await rm(folder, { recursive: true, force: true });
}

/** The process of the database server that works on the folder. */
export function serverPid(folder: string): number | undefined {
  const lock = join(folder, 'postgres/postmaster.pid');
  return existsSync(lock) ? Number(readFileSync(lock, 'utf8').split('\n')[0]) : undefined;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function withoutJest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_ENV: _environment, JEST_WORKER_ID: _worker, DATABASE_URL: _url, ...rest } = env;
  return rest;
}
