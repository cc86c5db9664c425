import pg from 'pg';
import type { Environment } from '../startup/environment.js';
import { StartupError } from '../startup/startup.error.js';
import { EmbeddedServer } from './embedded-server.js';

/** Arbitrary numbers of this app's own: who holds the lock in the database is the app, or is preparing its tables. */
const APP_LOCK = 7_301_120;
const PREPARE_LOCK = 7_301_121;

/** The database the app works on, proven to answer. */
export class Database {
  private constructor(
    readonly url: string,
    private readonly session: pg.Client,
    private readonly server?: EmbeddedServer,
  ) {}

  /** @throws StartupError if it cannot be reached, or is in use by another copy of the app */
  static async open(environment: Environment): Promise<Database> {
    if (environment.databaseUrl) {
      return new Database(environment.databaseUrl, await connect(environment.databaseUrl, 'Check DATABASE_URL'));
    }
    const server = await EmbeddedServer.start(environment.dataFolder);
    const session = await connect(server.url, `Remove ${server.home} to start afresh`).catch(async (error) => {
      await server.stop();
      throw error;
    });
    // A lock of the session: the operating system frees it, however the app that held it came to its end.
    const { rows } = await session.query('select pg_try_advisory_lock($1) as free', [APP_LOCK]);
    if (!rows[0].free) {
      await session.end();
      throw new StartupError(
        `The sample app is already running on the data in ${server.home}. Stop it first, or give this one a folder of its own: DATA_FOLDER=… npm start`,
      );
    }
    if (environment.fresh) {
      await session.query('drop schema public cascade; create schema public');
    }
    return new Database(server.url, session, server);
  }

  /** Where the app's own database is kept, if that is not where it was asked to be. */
  movedFrom(dataFolder: string): string | undefined {
    return this.server && this.server.home !== dataFolder ? this.server.home : undefined;
  }

  /** Runs the work while no other copy of the app does the same on this database. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    await this.session.query('select pg_advisory_lock($1)', [PREPARE_LOCK]);
    try {
      await work();
    } finally {
      await this.session.query('select pg_advisory_unlock($1)', [PREPARE_LOCK]);
    }
  }

  async close(): Promise<void> {
    await this.session.end().catch(() => undefined);
    await this.server?.stop();
  }

  /** For the very end of the process, where nothing can be awaited any more. */
  closeNow(): void {
    this.server?.stopNow();
  }
}

async function connect(url: string, advice: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, keepAlive: true });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw new StartupError(`The database at ${withoutPassword(url)} cannot be used: ${reason(cause)}. ${advice}.`, {
      cause,
    });
  }
}

function withoutPassword(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || 'localhost'}${port ? `:${port}` : ''}${pathname}`;
}

function reason(error: unknown): string {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return [...new Set(errors.map((each) => String(each.message || each.code || each)))].join(', ');
}
