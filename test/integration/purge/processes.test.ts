import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPurge, PurgeService } from 'nestjs-mikro-orm-soft-delete';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Owner, startPurging, Thing } from '../../support/purging-process.js';

const KILLS = Number(process.env['PURGE_KILLS'] ?? 50);

describe(PurgeService.name, () => {
  let library: CompiledLibrary;
  let test: TestOrm;

  beforeAll(() => {
    library = compileLibrary();
  });
  afterAll(() => library.remove());

  const OWNERS = 12_000;
  const BLOCKED = 100;

  beforeEach(async () => {
    test = await createTestOrm([Owner, Thing], {}, false);
    // Every owner has three things. One of the things of each of the first hundred is active and keeps its owner.
    await test.database.query(`
      create table removed (what text, id int, primary key (what, id));
      insert into owner select n, now() - interval '40 days' - n * interval '1 second' from generate_series(1, ${OWNERS}) as n;
      insert into owner select n, null from generate_series(${OWNERS + 1}, ${OWNERS + 500}) as n;
      insert into thing select n, 1 + n % ${OWNERS}, case when n >= ${BLOCKED} then now() - interval '40 days' end
        from generate_series(0, ${OWNERS * 3 - 1}) as n;
      create function log_removed() returns trigger language plpgsql as $$ begin
        insert into removed values (tg_table_name, old.id); return old; end $$;
      create trigger log_removed after delete on owner for each row execute function log_removed();
      create trigger log_removed after delete on thing for each row execute function log_removed();
      analyze;
    `);
  });
  afterEach(() => test.close());

  /** What is left, and what has ever been removed: the log's primary key refuses a row that goes twice. */
  const rows = async () =>
    (
      await test.database.query(`select
        (select count(*)::int from owner where deleted_at is null) as "activeOwners",
        (select count(*)::int from owner where deleted_at is not null) as "deletedOwners",
        (select count(*)::int from thing) as things,
        (select count(*)::int from thing where deleted_at is null) as "activeThings",
        (select count(*)::int from removed where what = 'owner') as "removedOwners",
        (select count(*)::int from removed where what = 'thing') as "removedThings"`)
    )[0];
  const DONE = {
    activeOwners: 500,
    deletedOwners: BLOCKED,
    things: BLOCKED,
    activeThings: BLOCKED,
    removedOwners: OWNERS - BLOCKED,
    removedThings: OWNERS * 3 - BLOCKED,
  };

  const start = (batchSize = 0) => startPurging(library, test.database.url, { batchSize });

  it('removes every row once when four processes purge at the same time', async () => {
    const workers = await Promise.all([start(), start(), start(100), start(50)]);

    workers.forEach(({ go }) => go());
    const reports = await Promise.all(workers.map(({ report }) => report()));

    const total = (entity: string) =>
      reports.reduce((sum, report) => sum + report.entities.find((found) => found.entity === entity)!.purged, 0);
    expect([total('Thing'), total('Owner')]).toEqual([DONE.removedThings, DONE.removedOwners]);
    for (const { outcome, entities } of reports) {
      expect({ outcome, entities: entities.map(({ blocked, failed, locked }) => [blocked, failed, locked]) }).toEqual({
        outcome: 'completed',
        entities: [
          [0, 0, 0],
          [BLOCKED, 0, 0],
        ],
      });
    }
    await expect(rows()).resolves.toEqual(DONE);
    await expect(
      test.database.query('select deadlocks::int from pg_stat_database where datname = current_database()'),
    ).resolves.toEqual([{ deadlocks: 0 }]);
  });

  it(`loses nothing and removes nothing twice when it is killed, ${KILLS} times`, async () => {
    let next = [start(40), start(40)];
    for (let kills = next.length; kills <= KILLS; kills += 2) {
      const workers = await Promise.all(next);
      next = kills < KILLS ? [start(40), start(40)] : [];
      await Promise.all(
        workers.map(async ({ child, go, batches }) => {
          const exit = once(child, 'exit');
          go();
          await batches(Math.floor(Math.random() * 20));
          await sleep(Math.random() * 10);
          child.kill('SIGKILL');
          await exit;
        }),
      );
      expect(await rows()).toMatchObject({ activeOwners: 500, activeThings: BLOCKED });
    }
    const { removedOwners, removedThings } = (await rows())!;
    expect(removedThings).toBeGreaterThan(0);

    const { entities } = await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run();

    expect(entities.map(({ purged, blocked, failed, locked }) => [purged, blocked, failed, locked])).toEqual([
      [DONE.removedThings - removedThings, 0, 0, 0],
      [DONE.removedOwners - removedOwners, BLOCKED, 0, 0],
    ]);
    await expect(rows()).resolves.toEqual(DONE);
  });
});
