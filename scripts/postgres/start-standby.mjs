import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { embedServer, stopServer } from './start-server.mjs';

/** In milliseconds. */
const LONGEST_START = 60_000;
/** What belongs to the running server and not to its data. */
const LEFT_OUT = ['postmaster.pid', 'postmaster.opts'];

/**
 * Starts a streaming standby of a server that `startServer()` has started: a copy of its files, taken while it runs. The embedded
 * PostgreSQL has no `pg_basebackup`.
 *
 * @param primary - the server
 * @param settings - server parameters of the standby, by name
 */
export async function startStandby(primary, settings = {}) {
  const databaseDir = await mkdtemp(join(tmpdir(), 'soft-delete-standby-'));
  await copyData(primary, databaseDir);
  const { hostname, port, username, password } = new URL(primary.url);
  await writeFile(join(databaseDir, 'standby.signal'), '');
  const { server, url } = await embedServer({
    databaseDir,
    settings: {
      ...settings,
      primary_conninfo: `host=${hostname} port=${port} user=${username} password=${password} application_name=standby`,
    },
  });
  let failure;
  // It never says that it is ready for writing, which is what `start()` waits for.
  server.start().catch((error) => (failure = error ?? new Error('The standby has ended.')));
  await connected(url, () => failure);
  return { server, databaseDir, url, stop: () => stopServer(server, databaseDir) };
}

async function copyData(primary, databaseDir) {
  const client = new pg.Client(`${primary.url}/postgres`);
  await client.connect();
  try {
    await client.query("select pg_backup_start('standby', true)");
    // Files may go while they are copied, which the log makes up for.
    await promisify(execFile)('cp', ['-a', `${primary.databaseDir}/.`, databaseDir]).catch(() => undefined);
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)');
    await Promise.all(LEFT_OUT.map((name) => rm(join(databaseDir, name), { force: true })));
    await rm(join(databaseDir, 'pg_replslot'), { recursive: true, force: true });
    await mkdir(join(databaseDir, 'pg_replslot'), { mode: 0o700 });
    await writeFile(join(databaseDir, 'backup_label'), rows[0].labelfile);
    await own(databaseDir, primary.databaseDir);
  } finally {
    await client.end();
  }
}

/** Gives all of a folder to who owns another one. */
async function own(folder, other) {
  await promisify(execFile)('chown', ['-R', `--reference=${other}`, folder]);
}

async function connected(url, failure) {
  for (const end = Date.now() + LONGEST_START; ; await sleep(50)) {
    const client = new pg.Client(`${url}/postgres`);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (failure() || Date.now() > end) {
        throw new Error('The standby does not start.', { cause: error });
      }
    }
  }
}
