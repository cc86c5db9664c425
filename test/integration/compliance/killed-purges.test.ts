import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { startServer } from '../../../scripts/postgres/start-server.mjs';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { Owner, startPurging, Thing } from '../../support/purging-process.js';

const OWNERS = 8_000;
const KILLS = Number(process.env['RECORD_KILLS'] ?? 16);
const CRASHES = Number(process.env['RECORD_CRASHES'] ?? 4);

const connect = (url: string) =>
  MikroORM.init({
    clientUrl: url,
    entities: [Owner, Thing, ...complianceEntities()],
    extensions: [softDelete()],
    pool: { max: 2 },
  });

describe('the records of a purge', () => {
  type Query = (sql: string) => Promise<any[]>;

  const plant = (query: Query) =>
    query(`
      insert into owner select n, now() - interval '40 days' from generate_series(1, ${OWNERS}) as n;
      insert into thing select n, 1 + n % ${OWNERS}, now() - interval '40 days' from generate_series(1, ${OWNERS * 2}) as n;
      analyze`);
  /** What is gone, by the tables and by the records: counts and keys. */
  const gone = async (query: Query) => {
    const [row] = await query(`
      with k as (select r.entity, (k ->> 0)::int as id from deletion_record as r cross join lateral json_array_elements(r.keys) as k where r.action = 'purged')
      select ${OWNERS} - (select count(*)::int from owner) as owners, ${OWNERS * 2} - (select count(*)::int from thing) as things,
        coalesce((select sum(count)::int from deletion_record where entity = 'Owner'), 0) as "recordedOwners",
        coalesce((select sum(count)::int from deletion_record where entity = 'Thing'), 0) as "recordedThings",
        (select count(distinct (entity, id))::int from k) as keys,
        (select count(*)::int from k where entity = 'Owner' and exists (select from owner as o where o.id = k.id)
          or entity = 'Thing' and exists (select from thing as t where t.id = k.id)) as "recordedAndThere"`);
    return row;
  };
  const agree = async (query: Query): Promise<number> => {
    const { owners, things, ...recorded } = await gone(query);
    expect(recorded).toEqual({
      recordedOwners: owners,
      recordedThings: things,
      keys: owners + things,
      recordedAndThere: 0,
    });
    return owners + things;
  };

  it(`agree with the rows that are gone when its process is killed, ${KILLS} times`, async () => {
    const library: CompiledLibrary = compileLibrary();
    const database: TestDatabase = await createTestDatabase();
    const orm = await connect(database.url);
    await orm.schema.create();
    await plant(database.query);

    const start = () => startPurging(library, database.url, { batchSize: 40, keepsRecords: true });
    const progress: number[] = [];
    for (let kills = 0; kills < KILLS; kills += 2) {
      const workers = await Promise.all([start(), start()]);
      await Promise.all(
        workers.map(async ({ child, go, batches }) => {
          const exit = once(child, 'exit');
          go();
          await batches(Math.floor(Math.random() * 12));
          await sleep(Math.random() * 10);
          child.kill('SIGKILL');
          await exit;
        }),
      );
      progress.push(await agree(database.query));
    }
    expect(new Set(progress).size).toBeGreaterThan(1);
    await createPurge(orm, { brake: false, pauseBetweenBatches: 0 }).run();
    expect(await agree(database.query)).toBe(OWNERS * 3);
    await orm.close(true);
    await database.drop();
    library.remove();
  });

  it(`agree with the rows that are gone when the server crashes, ${CRASHES} times, though no commit waits for the disk`, async () => {
    const own = await startServer({
      purpose: 'crash',
      // Commits are on their way to the file for a while, as they are on a busy server, and lost with the crash.
      settings: { synchronous_commit: 'off', wal_writer_delay: '400ms', shared_buffers: '64MB' },
      initdbFlags: ['--no-sync'],
    });
    const { server, databaseDir } = own;
    const url = `${own.url}/postgres`;
    const query: Query = async (sql) => {
      const client = server.getPgClient();
      client.on('error', () => undefined);
      await client.connect();
      try {
        const result = await client.query(sql);
        return [result].flat().at(-1)!.rows;
      } finally {
        await client.end();
      }
    };
    try {
      let orm = await connect(url);
      await orm.schema.create();
      await plant(query);
      await query('checkpoint');
      let lost = 0;
      const progress: number[] = [];
      for (let crash = 0; crash < CRASHES; crash++) {
        const reported = { rows: 0 };
        const before = progress.at(-1) ?? 0;
        const ended = createPurge(orm, { brake: false, pauseBetweenBatches: 0, batchSize: 40 })
          .run({
            onProgress: ({ total }) => (reported.rows = total),
          })
          .catch((error: unknown) => error);
        for (let waited = 0; reported.rows === 0 && waited < 500; waited++) {
          await sleep(10);
        }
        await sleep(Math.random() * 400);
        const postmaster = Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
        process.kill(postmaster, 'SIGQUIT');
        for (let isThere = true; isThere; await sleep(10)) {
          isThere = isRunning(postmaster);
        }
        await orm.close(true).catch(() => undefined);
        await server.start();
        await ended;
        progress.push(await agree(query));
        lost += reported.rows - (progress.at(-1)! - before) > 0 ? 1 : 0;
        orm = await connect(url);
      }
      expect(progress.at(-1)).toBeGreaterThan(0);
      // Otherwise nothing was at stake.
      expect(lost).toBeGreaterThan(0);
      await createPurge(orm, { brake: false, pauseBetweenBatches: 0 }).run();
      expect(await agree(query)).toBe(OWNERS * 3);
      await orm.close(true);
    } finally {
      await own.stop();
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
