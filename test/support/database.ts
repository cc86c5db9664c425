import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A database of one test file's own, cloned from the template on the server that the run started. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Runs raw SQL on a connection of its own: what a test asserts on never goes through the code under test. */
  query<Row extends pg.QueryResultRow = any>(sql: string, params?: unknown[]): Promise<Row[]>;
  /** A further connection, for a test that needs a second session. The caller ends it. */
  connect(): Promise<pg.Client>;
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['SOFT_DELETE_TEST_SERVER'];
  const template = process.env['SOFT_DELETE_TEST_TEMPLATE'];
  if (!server || !template) {
    throw new Error('No test server: run the tests with `npm test`, which starts one.');
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name} template ${template}`);
  const url = `${server}/${name}`;
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return {
    name,
    url,
    async query(sql, params) {
      return (await pool.query(sql, params)).rows;
    },
    async connect() {
      const client = new pg.Client(url);
      await client.connect();
      return client;
    },
    async drop() {
      await pool.end();
      await administer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(server: string, sql: string): Promise<void> {
  const client = new pg.Client(`${server}/postgres`);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
