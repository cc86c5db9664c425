import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeInterruptedError, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const DUE = "now() - interval '40 days'";

/** Its table is partitioned in each test. */
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    tableName: 'visit',
    properties: {
      id: p.integer().primary(),
      region: p.text(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(
      [Visit],
      { debug: false },
      false,
      'create extension postgres_fdw; create extension file_fdw',
    );
  });
  beforeEach(() =>
    test.database.query(`
      drop table if exists visit, visit_us cascade;
      create table visit (id int not null, region text not null, deleted_at timestamptz) partition by list (region);
      create index on visit (deleted_at, id) where deleted_at is not null;
      create table visit_eu partition of visit for values in ('eu') partition by range (id);
      create table visit_eu_1 partition of visit_eu for values from (1) to (1001);
      create table visit_eu_2 partition of visit_eu for values from (1001) to (2001);
      create table visit_us partition of visit for values in ('us')`),
  );
  afterAll(() => test.close());

  const purge = (options = {}) => createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, ...options });
  const count = async (from: string) =>
    (await test.database.query(`select count(*)::int as rows from ${from}`))[0]!['rows'] as number;
  const fill = () =>
    test.database.query(`
      insert into visit select n, case when n <= 2000 then 'eu' else 'us' end, case when n % 2 = 0 then ${DUE} + n * interval '1 second' end
      from generate_series(1, 3000) as n`);

  it('removes due rows of partitions of two levels, in any size of batches, locked ones at the end', async () => {
    await fill();
    const user = await test.database.connect();
    await user.query('begin; select from visit where id in (2, 1500, 2500) for update');

    const first = await purge({ lockTimeout: 10 }).run({ batchSize: 300 });
    await user.query('commit');
    await user.end();
    const second = await purge().run();

    expect(first.entities[0]).toMatchObject({ purged: 1_497, locked: 3, failed: 0, blocked: 0 });
    expect(second.entities[0]).toMatchObject({ purged: 3, locked: 0 });
    expect(await count('visit where deleted_at is null')).toBe(1_500);
    expect(await count('visit')).toBe(1_500);
  });

  it('keeps a row that a key of one partition of the lowest level needs', async () => {
    await fill();
    await test.database.query(`
      alter table visit_eu_1 add primary key (id);
      create table ticket (visit_id int references visit_eu_1);
      create index on ticket (visit_id);
      insert into ticket values (2), (4)`);
    try {
      const [dry, run] = [await purge().run({ dryRun: true }), await purge().run()];

      expect(dry.entities[0]).toMatchObject({ purged: 1_498, blocked: 2 });
      expect(run.entities[0]).toMatchObject({ purged: 1_498, blocked: 2 });
      expect(await count('visit where id in (2, 4)')).toBe(2);
    } finally {
      await test.database.query('drop table ticket');
    }
  });

  it('goes on where a partition is detached meanwhile, and leaves its rows to whoever has it', async () => {
    await fill();
    let isDetached = false;

    const report = await purge().run({
      batchSize: 100,
      onProgress: async () => {
        if (!isDetached) {
          isDetached = true;
          await test.database.query('alter table visit detach partition visit_us concurrently');
        }
      },
    });
    const detached = await count('visit_us where deleted_at is not null');

    expect(report.outcome).toBe('completed');
    expect(report.entities[0]).toMatchObject({ failed: 0, blocked: 0 });
    expect(report.total + detached).toBe(1_500);
    expect(await count('visit where deleted_at is not null')).toBe(0);
    expect(await count('visit_us where deleted_at is null')).toBe(500);
  });

  it.each([{ how: 'as ranges' }, { how: 'by their keys' }])(
    'removes rows of a partition on another server: $how',
    async ({ how }) => {
      const { hostname, port, username, password, pathname } = new URL(test.database.url);
      await fill();
      await test.database.query(`
      create table far (id int not null, region text not null, deleted_at timestamptz);
      insert into far select n, 'asia', case when n % 2 = 0 then ${DUE} end from generate_series(5001, 5100) as n;
      create server if not exists other foreign data wrapper postgres_fdw
        options (host '${hostname}', port '${port}', dbname '${pathname.slice(1)}');
      create user mapping if not exists for current_user server other options (user '${username}', password '${password}');
      create foreign table visit_asia partition of visit for values in ('asia') server other options (table_name 'far')`);
      try {
        const service = purge();
        if (how === 'by their keys') {
          service.registerHook(Visit.class, () => undefined);
        }

        const report = await service.run();

        expect(report).toMatchObject({ outcome: 'completed', total: 1_550 });
        expect(report.entities[0]).toMatchObject({ blocked: 0, failed: 0, locked: 0 });
        expect(await count('far')).toBe(50);
        expect(await count('visit where deleted_at is not null')).toBe(0);
      } finally {
        await test.database.query('drop table far');
      }
    },
  );

  it.each([undefined, 100])(
    'removes the rows of a table on another server, on however many pages (%s at a time)',
    async (batchSize) => {
      const { hostname, port, username, password, pathname } = new URL(test.database.url);
      await test.database.query(`
      drop table visit;
      create table far (id int not null, region text not null, deleted_at timestamptz);
      insert into far select n, repeat('x', 100), case when n % 2 = 0 then ${DUE} end from generate_series(1, 2000) as n;
      create server if not exists other foreign data wrapper postgres_fdw
        options (host '${hostname}', port '${port}', dbname '${pathname.slice(1)}');
      create user mapping if not exists for current_user server other options (user '${username}', password '${password}');
      create foreign table visit (id int not null, region text not null, deleted_at timestamptz)
        server other options (table_name 'far')`);
      try {
        const dry = await purge().run({ dryRun: true });
        const report = await purge().run({ batchSize });

        expect(dry.entities[0]).toMatchObject({ purged: 1_000 });
        expect(report.entities[0]).toMatchObject({ purged: 1_000, blocked: 0, failed: 0, locked: 0 });
        expect(await count('far where deleted_at is not null')).toBe(0);
        expect(await count('far')).toBe(1_000);
      } finally {
        await test.database.query('drop foreign table visit; drop table far');
      }
    },
  );

  it.each([
    {
      what: 'a partition lies in a file',
      sql: `
        create server if not exists files foreign data wrapper file_fdw;
        create foreign table visit_file partition of visit for values in ('file') server files options (filename '/dev/null')`,
      says: /visit_file/,
    },
    {
      what: 'a publication cannot tell which ones',
      sql: 'create publication all_visits for table visit',
      says: /does not have a replica identity/,
    },
  ])('ends at once where rows cannot be deleted at all, and says why: $what', async ({ sql, says }) => {
    await fill();
    await test.database.query(sql);

    const error = await purge()
      .run()
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(PurgeInterruptedError);
    expect((error as PurgeInterruptedError).message).toMatch(says);
    expect((error as PurgeInterruptedError).message).toContain('The database allows no deletion there');
    expect((error as PurgeInterruptedError).report).toMatchObject({ total: 0, entities: [{ purged: 0, failed: 0 }] });
    expect(await count('visit where deleted_at is not null')).toBe(1_500);
    await test.database.query('drop publication if exists all_visits');
  });
});
