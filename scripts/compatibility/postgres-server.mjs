import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../postgres/free-port.mjs';

const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  max_prepared_transactions: '10',
  autovacuum_naptime: '5s',
};

/**
 * Starts the PostgreSQL whose programs are in a folder, with data that is thrown away when it stops.
 *
 * @param {string} bin
 * @returns {Promise<{ url: string, version: string, stop(): Promise<void> }>}
 */
export async function startPostgres(bin) {
  const account = serverAccount();
  const folder = mkdtempSync(join(tmpdir(), 'soft-delete-postgres-'));
  if (account.uid !== undefined) {
    chownSync(folder, account.uid, account.gid);
  }
  const options = { cwd: folder, stdio: 'ignore', ...account };
  const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(bin, 'initdb'), ['-D', join(folder, 'data'), ...flags], options);
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, port, unix_socket_directories: folder });
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', join(folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    options,
  );
  const stopped = once(server, 'exit');
  const url = `postgresql://postgres:postgres@127.0.0.1:${port}`;
  return {
    url,
    version: await readVersion(url, server),
    async stop() {
      server.kill('SIGINT');
      await stopped;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root. */
function serverAccount() {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })));
  return { uid, gid };
}

async function readVersion(url, server) {
  for (;;) {
    const client = new pg.Client(`${url}/postgres`);
    try {
      await client.connect();
      const { rows } = await client.query('show server_version');
      return rows[0].server_version;
    } catch (error) {
      if (server.exitCode !== null) {
        throw new Error('The server has not started.', { cause: error });
      }
      await sleep(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
