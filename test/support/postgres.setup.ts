import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { serverAccount } from '../../sample-app/src/database/server-account.js';
import { serverBinaries } from '../../sample-app/src/database/server-binaries.js';

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
  const account = serverAccount();
  const { initdb, postgres } = await serverBinaries(account);
  const databaseDir = await mkdtemp(join(tmpdir(), 'soft-delete-test-'));
  if (account.uid !== undefined) {
    await chown(databaseDir, account.uid, account.gid!);
  }
  const environment = { ...account, cwd: '/', env: { ...process.env, LC_ALL: 'C' } };
  const created = spawnSync(
    initdb,
    ['-D', databaseDir, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...environment, encoding: 'utf8' },
  );
  if (created.status !== 0) {
    throw new Error(`PostgreSQL could not create its files: ${created.error?.message ?? created.stderr}`);
  }
  const port = await freePort();
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(postgres, ['-D', databaseDir, '-p', String(port), ...settings], {
    ...environment,
    stdio: ['ignore', 'ignore', await logOf(databaseDir)],
  });
  const ended = once(server, 'exit');

  const url = `postgresql://postgres:postgres@127.0.0.1:${port}`;
  await untilReady(url, server, databaseDir);
  await createTemplate(url);
  process.env['SOFT_DELETE_TEST_SERVER'] = url;
  globalThis.softDeleteTestServer = {
    async stop() {
      server.kill('SIGINT');
      await ended;
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

/** The data is thrown away after the run: what a crash of the machine would lose is of no interest here. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  max_prepared_transactions: '10',
  autovacuum_naptime: '5s',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
};

async function logOf(databaseDir: string): Promise<number> {
  return (await open(join(databaseDir, 'server.log'), 'a')).fd;
}

async function untilReady(url: string, server: ChildProcess, databaseDir: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client(`${url}/postgres`);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (server.exitCode !== null || attempt === 300) {
        const log = await readFile(join(databaseDir, 'server.log'), 'utf8');
        throw new Error(`PostgreSQL did not start: ${log}`, { cause: error });
      }
      await sleep(100);
    }
  }
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
