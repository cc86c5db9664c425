import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startServer } from '../../scripts/postgres/start-server.mjs';
import { throwAwayFolder } from '../../scripts/postgres/throw-away-folder.mjs';

declare global {
  var softDeleteTestServer: { stop(): Promise<void> } | undefined;
  /** Drops what the run has left on a server that is not its own. */
  var softDeleteTestTemplate: { drop(): Promise<void> } | undefined;
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
  const { url, stop } = await startServer({
    purpose: 'test',
    parent: await throwAwayFolder(),
    // The data is thrown away after the run: what a crash of the machine would lose is of no interest here.
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      max_connections: 300,
      shared_buffers: '256MB',
      max_wal_size: '4GB',
      max_prepared_transactions: 10,
      autovacuum_naptime: '5s',
    },
    initdbFlags: ['--no-sync'],
    onError: (error) => console.error(error),
  });
  await createTemplate(url);
  process.env['SOFT_DELETE_TEST_SERVER'] = url;
  globalThis.softDeleteTestServer = { stop };
}

/** Runs at the same time may share a server: each has a template of its own, which its workers are told of. */
async function createTemplate(url: string): Promise<void> {
  if (globalThis.softDeleteTestTemplate) {
    return;
  }
  const name = `soft_delete_template_${randomBytes(6).toString('hex')}`;
  await administer(url, `create database ${name}`);
  process.env['SOFT_DELETE_TEST_TEMPLATE'] = name;
  globalThis.softDeleteTestTemplate = { drop: () => administer(url, `drop database if exists ${name} with (force)`) };
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(`${url}/postgres`);
  await client.connect();
  await client.query(sql);
  await client.end();
}
