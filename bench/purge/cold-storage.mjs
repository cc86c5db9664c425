import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startServer } from '../../scripts/postgres/start-server.mjs';
import { result, timed } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

/** So little that each page is read from where the tables are stored. */
const SETTINGS = { shared_buffers: '16MB', max_wal_size: '8GB', checkpoint_timeout: '60min', autovacuum: 'off' };
const RELATIONS = ['item', 'item_pkey', 'item_deleted_at_id_idx', 'note', 'note_pkey', 'note_item_id_idx'];
const PAGE = 8_192;
/** Rows per second. */
const NIGHT = 10_000_000 / (8 * 3_600);

/**
 * Due rows far apart in a table that is in nobody's memory: how many pages have to be read for each, and whether that is fast enough
 * for ten million in a night. What the system has cached is dropped between batches, which takes no part of the time.
 */
export async function* coldStorage({ withOrm, createPurge, rows }) {
  const total = rows(3_000_000);
  const due = Math.round(total / 100);
  const server = await startServer({ purpose: 'bench-cold', settings: SETTINGS });
  const admin = new pg.Client(`${server.url}/postgres`);
  await admin.connect();
  try {
    const measure = async (work) => {
      await admin.query('drop database if exists items with (force)');
      await admin.query('create database items');
      const client = new pg.Client(`${server.url}/items`);
      client.on('error', () => undefined);
      await client.connect();
      for (const sql of [...createItems(total, due, 'scattered'), 'create extension pg_buffercache', 'checkpoint']) {
        await client.query(sql);
      }
      await client.query('select pg_buffercache_evict_all()');
      const files = await filesOf(client, server.databaseDir);
      const readsPerSecond = measureDisk(files);
      forget(files);
      await client.query("select pg_stat_reset_shared('io')");
      let pauses = 0;
      const pause = async () => {
        const { ms } = await timed(() => forget(files));
        pauses += ms;
      };
      const { ms, result: count } = await timed(() => work(client, pause));
      await client.query('select pg_stat_force_next_flush()');
      const { rows: read } = await client.query(
        "select coalesce(sum(read_bytes), 0)::float8 as bytes from pg_stat_io where object = 'relation'",
      );
      await client.end();
      return { count, readsPerSecond, perSecond: (count / (ms - pauses)) * 1_000, pages: read[0].bytes / PAGE / count };
    };
    const purged = await measure((_client, forgetAgain) =>
      withOrm(
        'items',
        async (orm) => {
          const purge = createPurge(orm, { pauseBetweenBatches: 0, brake: false });
          return (await purge.run({ onProgress: forgetAgain })).total;
        },
        `${server.url}/items`,
      ),
    );
    const deleted = await measure(async (client) => {
      const { rowCount } = await client.query("delete from item where deleted_at < now() - interval '30 days'");
      return rowCount;
    });
    if (purged.count !== deleted.count) {
      throw new Error(`The purge removed ${purged.count} rows, the DELETE ${deleted.count}.`);
    }
    const among = `${due.toLocaleString('en')} due among ${total.toLocaleString('en')} rows, none in memory`;
    const show = (value) => Math.round(value).toLocaleString('en');
    yield result(`pages read per purged row, ${among}`, purged.pages, {
      atMost: 3,
      unit: '',
      details: `one DELETE: ${deleted.pages.toFixed(2)}`,
    });
    yield result(`rows/s against what 10,000,000 in eight hours need, ${among}`, purged.perSecond / NIGHT, {
      atLeast: 2,
      digits: 1,
      details: `${show(purged.perSecond)} rows/s, where the disk reads ${show(purged.readsPerSecond)} pages/s one after the other; one \`DELETE\`, which reads ahead: ${show(deleted.perSecond)} rows/s`,
    });
  } finally {
    await admin.end();
    await server.stop();
  }
}

async function filesOf(client, folder) {
  const { rows } = await client.query(
    'select pg_relation_filepath(name::regclass) as path from unnest($1::text[]) as name',
    [RELATIONS],
  );
  return rows.map(({ path }) => join(folder, path)).filter((path) => existsSync(path));
}

/** Asks the system to let go of the files' pages. */
function forget(files) {
  for (const file of files) {
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

/** How many pages per second the disk reads, one after the other, from all over the largest of the files. */
function measureDisk(files) {
  forget(files);
  const [file, size] = files.map((path) => [path, statSync(path).size]).toSorted((a, b) => b[1] - a[1])[0];
  const handle = openSync(file);
  const page = Buffer.alloc(PAGE);
  const start = performance.now();
  let reads = 0;
  while (performance.now() - start < 1_000) {
    readSync(handle, page, 0, PAGE, Math.floor((Math.random() * size) / PAGE) * PAGE);
    reads++;
  }
  closeSync(handle);
  return reads / ((performance.now() - start) / 1_000);
}
