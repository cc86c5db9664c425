import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startServer } from '../../scripts/postgres/start-server.mjs';
import { startStandby } from '../../scripts/postgres/start-standby.mjs';
import { median, quantile, result } from '../support/measure.mjs';
import { createItems } from './tables.mjs';

const SETTINGS = { shared_buffers: '2GB', max_wal_size: '8GB', checkpoint_timeout: '5min', wal_keep_size: '1GB' };
/** The share of the rows that is due. */
const SHARE = 0.1;

/**
 * A table of many rows on a server with a streaming standby: how fast the purge is, how much log each row costs, and how far the standby
 * falls behind, with and without what makes it easier.
 */
export async function* largeTable({ withOrm, createPurge, library: { replicationLag }, largeRows }) {
  const due = Math.round(largeRows * SHARE);
  const primary = await startServer({ purpose: 'bench-primary', settings: SETTINGS });
  const servers = [primary];
  const admin = new pg.Client(`${primary.url}/postgres`);
  await admin.connect();
  try {
    servers.push(await startStandby(primary, { shared_buffers: '1GB', hot_standby: 'on' }));
    for (const [how, wal, options] of [
      ['without pauses', 'off', { pauseBetweenBatches: 0 }],
      ['without pauses, `wal_compression = on`', 'on', { pauseBetweenBatches: 0 }],
      [
        'without pauses, `replicationLag({ max: 1s })`',
        'on',
        { pauseBetweenBatches: 0, throttle: replicationLag({ max: '1s' }) },
      ],
      ['with the default pauses', 'on', {}],
    ]) {
      await admin.query(`alter system set wal_compression = ${wal}`);
      await admin.query('select pg_reload_conf()');
      await admin.query('drop database if exists items with (force)');
      await admin.query('create database items');
      const client = new pg.Client(`${primary.url}/items`);
      await client.connect();
      for (const sql of createItems(largeRows, due, 'scattered')) {
        await client.query(sql);
      }
      await client.query('checkpoint');
      await caughtUp(admin);
      const { rows: before } = await admin.query('select pg_current_wal_insert_lsn() as lsn');
      const lags = [];
      let isOver = false;
      const watching = watch(admin, lags, () => isOver);
      const start = performance.now();
      const report = await withOrm(
        'items',
        (orm) => createPurge(orm, { brake: false, ...options }).run({ timeBudget: '3m' }),
        `${primary.url}/items`,
      );
      const seconds = (performance.now() - start) / 1_000;
      const { rows: after } = await admin.query(
        'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)::float8 as bytes',
        [before[0].lsn],
      );
      isOver = true;
      await watching;
      const [{ batches }] = report.entities;
      await client.end();
      const perSecond = Math.round(report.total / seconds);
      const bytes = after[0].bytes / report.total;
      yield result(`log per row, ${largeRows.toLocaleString('en')} rows, ${how}`, bytes, {
        // A page for each row.
        atMost: 8_192,
        unit: ' bytes',
        digits: 0,
        details: `${report.total.toLocaleString('en')} of ${due.toLocaleString('en')} due rows in ${seconds.toFixed(0)} s (${report.outcome}), ${perSecond.toLocaleString('en')} rows/s in ${batches.toLocaleString('en')} batches`,
      });
      yield result(
        `replay lag of a standby, ${largeRows.toLocaleString('en')} rows, ${how}`,
        lags.length === 0 ? 0 : Math.max(...lags),
        {
          atMost: 60,
          unit: ' s',
          digits: 2,
          details:
            lags.length === 0
              ? 'none'
              : `the longest; median ${median(lags).toFixed(2)} s, p99 ${quantile(lags, 0.99).toFixed(2)} s`,
        },
      );
    }
  } finally {
    await admin.end();
    for (const { stop } of servers.toReversed()) {
      await stop();
    }
  }
}

async function watch(admin, lags, isOver) {
  while (!isOver()) {
    const { rows } = await admin.query(
      'select extract(epoch from replay_lag)::float8 as lag from pg_stat_replication where replay_lag is not null',
    );
    lags.push(...rows.map(({ lag }) => lag));
    await sleep(100);
  }
}

async function caughtUp(admin) {
  for (;;) {
    const { rows } = await admin.query(
      'select bool_and(replay_lsn >= pg_current_wal_lsn()) as is_so from pg_stat_replication',
    );
    if (rows[0].is_so) {
      return;
    }
    await sleep(200);
  }
}
