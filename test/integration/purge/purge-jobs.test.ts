import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineEntity, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Test } from '@nestjs/testing';
import {
  createPurge,
  getPurgeServiceToken,
  type PurgeOptions,
  type PurgeReport,
  PurgeService,
  PurgeStoppedError,
  softDeletable,
  SoftDeleteConfigError,
  SoftDeleteModule,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const id = () => p.integer().primary();
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const retention = '30d';
const Owner = softDeletable(defineEntity({ name: 'Owner', properties: { id: id(), deletedAt: deletedAt() } }), {
  retention,
});
const Thing = softDeletable(
  defineEntity({
    name: 'Thing',
    properties: { id: id(), owner: () => p.manyToOne(Owner).deleteRule('restrict').index(), deletedAt: deletedAt() },
  }),
  { retention },
);
/** Its rows are archived, and point at an owner. */
const Reading = softDeletable(
  defineEntity({
    name: 'Reading',
    properties: { id: id(), owner: () => p.manyToOne(Owner).deleteRule('restrict').nullable() },
  }),
  { strategy: 'archive', retention },
);
/** A basket has lines, which are not soft-deletable, and to which marks point. */
const Basket = softDeletable(defineEntity({ name: 'Basket', properties: { id: id(), deletedAt: deletedAt() } }), {
  retention,
});
const Line = defineEntity({
  name: 'Line',
  properties: { id: id(), basket: () => p.manyToOne(Basket).deleteRule('cascade') },
});
const Mark = softDeletable(
  defineEntity({
    name: 'Mark',
    properties: { id: id(), line: () => p.manyToOne(Line).deleteRule('restrict'), deletedAt: deletedAt() },
  }),
  { retention },
);
/** Only the database knows that badges belong to areas. */
const Area = softDeletable(defineEntity({ name: 'Area', properties: { id: id(), deletedAt: deletedAt() } }), {
  retention,
});
const Badge = softDeletable(
  defineEntity({ name: 'Badge', properties: { id: id(), area: p.integer().nullable(), deletedAt: deletedAt() } }),
  { retention },
);
const Country = softDeletable(defineEntity({ name: 'Country', properties: { id: id(), deletedAt: deletedAt() } }), {
  retention,
});
/** Lives in schemas of tenants. */
const Visit = softDeletable(
  defineEntity({ name: 'Visit', schema: '*', properties: { id: id(), deletedAt: deletedAt() } }),
  { retention },
);
const ENTITIES = [Owner, Thing, Reading, Basket, Line, Mark, Area, Badge, Country, Visit];
const UNPACED: PurgeOptions = { brake: false, pauseBetweenBatches: 0 };
const THINGS = 'soft-delete.purge.Owner';

describe(`${PurgeService.name}.jobs()`, () => {
  let test: TestOrm;
  let other: MikroORM;

  beforeAll(async () => {
    test = await createTestOrm([...ENTITIES, ...complianceEntities()]);
    other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [...ENTITIES].toReversed(),
      contextName: 'reports',
    });
    await test.database.query(`
      alter table badge add foreign key (area) references area (id);
      create table removed (what text, id int, primary key (what, id));
      create function log_removed() returns trigger language plpgsql as $$ begin
        insert into removed values (tg_table_name, old.id); return old; end $$;
      create trigger log_removed after delete on owner for each row execute function log_removed();
      create trigger log_removed after delete on thing for each row execute function log_removed();
    `);
  });
  afterAll(async () => {
    await other.close();
    await test.close();
  });

  const OWNERS = 400;
  /** Every owner has five things; the things of the first ten are active. A country is due as well. */
  beforeEach(() =>
    test.database.query(`
      truncate owner, thing, reading, country, removed;
      insert into owner select n, now() - interval '40 days' from generate_series(1, ${OWNERS}) as n;
      insert into thing select n, 1 + n % ${OWNERS}, case when n % ${OWNERS} >= 10 then now() - interval '40 days' end
        from generate_series(1, ${OWNERS * 5}) as n;
      insert into country values (1, now() - interval '40 days');
    `),
  );
  const DONE = { owners: 10, things: 50, removedOwners: OWNERS - 10, removedThings: (OWNERS - 10) * 5 };
  /** What is left, and what was ever removed: the log's primary key refuses a row that goes twice. */
  const rows = async () =>
    (
      await test.database
        .query(`select (select count(*)::int from owner) as owners, (select count(*)::int from thing) as things,
        (select count(*)::int from removed where what = 'owner') as "removedOwners",
        (select count(*)::int from removed where what = 'thing') as "removedThings"`)
    )[0];
  const countries = () => test.database.query('select id from country');
  const removed = (reports: readonly PurgeReport[]) => reports.reduce((total, report) => total + report.total, 0);
  const stopped = async (run: Promise<unknown>) => {
    const error: unknown = await run.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PurgeStoppedError);
    return error as PurgeStoppedError;
  };

  it('lists one job per group of entities that keys connect, mapped or not, directly or through other rows', async () => {
    await expect(createPurge(test.orm).jobs()).resolves.toEqual([
      { name: 'soft-delete.purge.Area', entities: ['Area', 'Badge'] },
      { name: 'soft-delete.purge.Basket', entities: ['Basket', 'Mark'] },
      { name: 'soft-delete.purge.Country', entities: ['Country'] },
      { name: THINGS, entities: ['Owner', 'Reading', 'Thing'] },
      { name: 'soft-delete.purge.Visit', entities: ['Visit'] },
    ]);
  });

  it('names jobs the same in whatever order the entities are declared, apart for each ORM', async () => {
    const [jobs, others] = [await createPurge(test.orm).jobs(), await createPurge(other).jobs()];

    expect(others.map(({ entities }) => entities)).toEqual(jobs.map(({ entities }) => entities));
    expect(others.map(({ name }) => name)).toEqual(
      jobs.map(({ name }) => name.replace('soft-delete.purge.', 'soft-delete.purge.reports.')),
    );
  });

  it('runs one job alone, given it or its name', async () => {
    const purge = createPurge(test.orm, UNPACED);
    const job = (await purge.jobs()).find(({ name }) => name === THINGS)!;

    const report = await purge.runJob(job);

    expect(report).toMatchObject({ outcome: 'completed', isFinished: true, total: (OWNERS - 10) * 6 });
    expect(report.entities.map(({ entity }) => entity).toSorted()).toEqual(job.entities);
    await expect(rows()).resolves.toEqual(DONE);
    await expect(countries()).resolves.toHaveLength(1);
    await expect(purge.runJob('soft-delete.purge.Country')).resolves.toMatchObject({ total: 1 });
    await expect(countries()).resolves.toEqual([]);
  });

  it('finds the group of an entity by the name that the job had before the group grew', async () => {
    await expect(createPurge(test.orm, UNPACED).runJob('soft-delete.purge.Thing')).resolves.toMatchObject({
      total: (OWNERS - 10) * 6,
    });
  });

  it('removes every row once when two processes run the same job at the same time', async () => {
    const both = Promise.withResolvers<void>();
    const ready = new Set<MikroORM>();
    /** Holds the first batch of each until the other one is about to begin as well. */
    const together = (orm: MikroORM) => async () => {
      if (ready.add(orm).size === 2) {
        both.resolve();
      }
      await both.promise;
      return 'go' as const;
    };
    const purges = [test.orm, other].map((orm) => createPurge(orm, { ...UNPACED, throttle: together(orm) }));

    const reports = await Promise.all([
      purges[0]!.runJob(THINGS, { batchSize: 20 }),
      purges[1]!.runJob('soft-delete.purge.reports.Owner', { batchSize: 30 }),
    ]);

    expect(removed(reports)).toBe((OWNERS - 10) * 6);
    expect(reports.map(({ total }) => total > 0)).toEqual([true, true]);
    for (const { entities } of reports) {
      expect(entities.find(({ entity }) => entity === 'Owner')).toMatchObject({ blocked: 10, failed: 0, locked: 0 });
    }
    await expect(rows()).resolves.toEqual(DONE);
  });

  it('rejects with the report where it was stopped, and goes on where it ended', async () => {
    const purge = createPurge(test.orm, UNPACED);
    const reports: PurgeReport[] = [];
    for (let attempts = 0; attempts < 10; attempts++) {
      try {
        reports.push(await purge.runJob(THINGS, { maxRows: 600 }));
        break;
      } catch (error) {
        expect(error).toBeInstanceOf(PurgeStoppedError);
        const { code, job, report, message } = error as PurgeStoppedError;
        expect([code, job, report.outcome, report.isFinished]).toEqual(['PURGE_STOPPED', THINGS, 'row-limit', false]);
        expect(message).toContain(`after ${report.total} rows, because it has removed as many rows as maxRows`);
        reports.push(report);
      }
    }

    expect(reports.map(({ total }) => total)).toEqual([600, 600, 600, 540]);
    await expect(rows()).resolves.toEqual(DONE);
  });

  it('rejects where its signal was aborted or its time is up', async () => {
    const purge = createPurge(test.orm, UNPACED);

    const aborted = await stopped(purge.runJob(THINGS, { signal: AbortSignal.abort() }));
    const late = await stopped(purge.runJob(THINGS, { timeBudget: 0 }));

    expect([aborted, late].map(({ report }) => report.outcome)).toEqual(['aborted', 'time-budget']);
    await expect(rows()).resolves.toMatchObject({ removedOwners: 0, removedThings: 0 });
  });

  it('resolves where the brake left an entity alone, since another attempt would come to the same', async () => {
    const report = await createPurge(test.orm, { brake: { atLeast: 10 }, pauseBetweenBatches: 0 }).runJob(THINGS);

    expect(report).toMatchObject({ outcome: 'braked', isFinished: true, total: 0 });
    await expect(rows()).resolves.toMatchObject({ removedOwners: 0, removedThings: 0 });
    await expect(
      createPurge(test.orm, { brake: { atLeast: 10 } }).runJob(THINGS, { overrideBrake: true }),
    ).resolves.toMatchObject({ outcome: 'completed', total: (OWNERS - 10) * 6 });
  });

  it('rejects where rows of an entity were passed over, because nobody says in which schema they are', async () => {
    const error = await stopped(createPurge(test.orm).runJob('soft-delete.purge.Visit'));

    expect(error.message).toContain("Visit lives in the schema of the entity manager (schema '*')");
  });

  it.each([
    ['soft-delete.purge.Owners', 'Did you mean soft-delete.purge.Owner?'],
    ['everything', 'The jobs are: soft-delete.purge.Area, '],
    [undefined, 'there is no job undefined'],
    [{ name: 'soft-delete.purge.Nothing', entities: ['Owner'] }, 'there is no job "soft-delete.purge.Nothing"'],
  ])('refuses the unknown job %j', async (job, message) => {
    const error = await createPurge(test.orm, UNPACED)
      .runJob(job as string)
      .catch((thrown) => thrown);

    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toContain(message);
    await expect(rows()).resolves.toMatchObject({ removedOwners: 0, removedThings: 0 });
  });

  it.each(['entities', 'dryRun', 'olderThen'])('refuses the option %s', async (option) => {
    await expect(createPurge(test.orm).runJob(THINGS, { [option]: true } as object)).rejects.toThrow(
      SoftDeleteConfigError,
    );
  });

  it('is injected under Nest, where a job ends with the application', async () => {
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: test.database.url,
          entities: [...ENTITIES, ...complianceEntities()],
        }),
        SoftDeleteModule.forRoot({ purge: { pauseBetweenBatches: '1m', brake: false, engine: 'external' } }),
      ],
    }).compile();
    await module.init();
    const purge = module.get(PurgeService);
    expect(module.get(getPurgeServiceToken())).toBe(purge);
    let isUnderWay: () => void;
    const first = new Promise<void>((resolve) => (isUnderWay = resolve));

    const run = stopped(purge.runJob(THINGS, { batchSize: 100, onProgress: () => isUnderWay() }));
    await first;
    await module.close();

    const { report } = await run;
    expect([report.outcome, report.total]).toEqual(['aborted', 100]);
    await expect(rows()).resolves.toMatchObject({ removedThings: 100 });
  });
});
