// A PostgreSQL of the benchmark's own, with the settings of a small production server: commits wait for the disk.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { startServer as startOwnServer } from '../../scripts/postgres/start-server.mjs';

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
  const { url: base, stop } = await startOwnServer({
    purpose: 'bench',
    settings: { shared_buffers: '4GB', max_wal_size: '16GB', checkpoint_timeout: '60min', autovacuum: 'off' },
  });
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
      await stop();
    },
  };
}

/** What the machine was busy with besides: its load before a measurement starts. */
export function load() {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}
