import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  type PurgeOptions,
  type PurgeReport,
  PurgeSchemasError,
  PurgeService,
  PurgeStoppedError,
  softDeletable,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const DUE = "now() - interval '40 days'";
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Country = softDeletable(
  defineEntity({
    name: 'Country',
    tableName: 'country',
    schema: 'public',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
/** Each tenant has a table of them in a schema of its own. */
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    tableName: 'visit',
    schema: '*',
    properties: { id: p.integer().primary(), country: () => p.manyToOne(Country).nullable(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Country, Visit], {}, false);
    const visits = (schema: string) => `
      create schema if not exists ${schema};
      drop table if exists ${schema}.visit;
      create table ${schema}.visit (id int primary key, country_id int references country (id) on delete cascade, deleted_at timestamptz);
      insert into ${schema}.visit values (1, null, ${DUE}), (2, 1, null), (3, null, null);`;
    await test.database.query(`
      insert into country values (1, ${DUE}), (2, ${DUE}), (3, null);
      ${['tenant_a', 'tenant_b', 'public'].map(visits).join('\n')}
    `);
  });
  afterEach(() => test.close());

  const visits = async () =>
    (
      await test.database.query(
        ['tenant_a', 'tenant_b', 'public']
          .map((schema) => `select '${schema} ' || id as visit from ${schema}.visit`)
          .join(' union all '),
      )
    )
      .map(({ visit }) => visit as string)
      .toSorted();
  const all = ['public 1', 'public 2', 'public 3', 'tenant_a 1', 'tenant_a 2', 'tenant_a 3'];
  const countries = async () => (await test.database.query('select id from country order by id')).map(({ id }) => id);

  it.each([false, true])(
    'purges other entities where it knows no schema, and says what it left alone (dry: %s)',
    async (dryRun) => {
      const report = await createPurge(test.orm).run({ dryRun });

      expect(report.outcome).toBe('completed');
      expect(report.entities).toMatchObject([
        { entity: 'Country', purged: 1, blocked: 1 },
        { entity: 'Visit', purged: 0, error: expect.stringContaining("{ schema: 'tenant_1' }") },
      ]);
      expect(report.entities[0]!.error).toBeUndefined();
      await expect(countries()).resolves.toEqual(dryRun ? [1, 2, 3] : [1, 3]);
      await expect(visits()).resolves.toHaveLength(9);
    },
  );

  it('refuses to purge such an entity by its name without a schema', async () => {
    await expect(createPurge(test.orm).run({ entities: [Visit] })).rejects.toThrow(SoftDeleteConfigError);
    await expect(createPurge(test.orm).run({ entities: [Country] })).resolves.toMatchObject({
      entities: [{ entity: 'Country', purged: 1 }],
    });
  });

  it('purges the rows of one schema, and takes none of another along', async () => {
    const report = await createPurge(test.orm).run({ schema: 'tenant_b' });

    expect(report.entities).toMatchObject([
      { entity: 'Visit', purged: 1, blocked: 0 },
      { entity: 'Country', purged: 1, blocked: 1 },
    ]);
    await expect(visits()).resolves.toEqual([...all, 'tenant_b 2', 'tenant_b 3']);
    await expect(countries()).resolves.toEqual([1, 3]);
  });

  describe('with purge.schemas', () => {
    const TENANTS = ['tenant_a', 'tenant_b'];
    const purge = (schemas: () => unknown = async () => TENANTS, options: PurgeOptions = {}) =>
      createPurge(test.orm, { schemas: schemas as never, brake: false, pauseBetweenBatches: 0, ...options });
    const rows = (report: PurgeReport) =>
      report.entities.map(({ entity, table, purged, blocked }) => `${entity} ${table} ${purged} ${blocked}`);

    it.each([false, true])('goes through all schemas, then through what they reference (dry: %s)', async (dryRun) => {
      await test.database.query(`update tenant_a.visit set deleted_at = ${DUE} where id = 2;
        update tenant_b.visit set deleted_at = ${DUE} where id = 2; update public.visit set country_id = null`);

      const report = await purge().run({ dryRun });

      expect(report).toMatchObject({ outcome: 'completed', total: dryRun ? 5 : 6 });
      expect(rows(report)).toEqual([
        'Visit tenant_a.visit 2 0',
        'Visit tenant_b.visit 2 0',
        // What a dry run leaves where it is still needs the country.
        dryRun ? 'Country country 1 1' : 'Country country 2 0',
      ]);
      const cutoffs = report.entities.map(({ cutoff }) => cutoff.getTime());
      expect(new Set(cutoffs).size).toBe(1);
      await expect(visits()).resolves.toHaveLength(dryRun ? 9 : 5);
      await expect(countries()).resolves.toEqual(dryRun ? [1, 2, 3] : [3]);
    });

    it('leaves the schemas that it is not told of, and takes one alone', async () => {
      await purge().run({ schema: 'public' });
      await expect(visits()).resolves.toEqual(
        [...all.filter((visit) => visit !== 'public 1'), 'tenant_b 1', 'tenant_b 2', 'tenant_b 3'].toSorted(),
      );
      await purge(() => ['tenant_b']).run({ entities: [Visit] });
      await expect(visits()).resolves.not.toContain('tenant_b 1');
      await expect(visits()).resolves.toContain('tenant_a 1');
      await expect(countries()).resolves.toEqual([1, 3]);
    });

    it('asks for the schemas in each run', async () => {
      const names: string[] = [];
      const service = purge(async () => names);

      await expect(service.run()).resolves.toMatchObject({ entities: [{ entity: 'Country' }] });
      names.push('tenant_a', 'tenant_a');
      await expect(service.run()).resolves.toMatchObject({
        entities: [{ table: 'tenant_a.visit', purged: 1 }, { entity: 'Country' }],
      });
    });

    it('says of a schema that lacks the table that it was left alone, and purges the others', async () => {
      await test.database.query('create schema if not exists empty');

      const report = await purge(() => ['tenant_a', 'empty', 'nowhere', 'tenant_b']).run();

      expect(report.outcome).toBe('completed');
      expect(report.entities).toMatchObject([
        { table: 'tenant_a.visit', purged: 1 },
        { table: 'tenant_b.visit', purged: 1 },
        { entity: 'Country', purged: 1 },
        { table: 'empty.visit', purged: 0, error: expect.stringContaining('"empty"."visit" is not in the database') },
        { table: 'nowhere.visit', purged: 0, error: expect.stringContaining('"nowhere"."visit"') },
      ]);
      await expect(purge(() => ['nowhere']).runJob('soft-delete.purge.Country')).rejects.toThrow(PurgeStoppedError);
    });

    it.each<[string, () => unknown, string]>([
      ['throws', () => Promise.reject(new Error('no tenants today')), 'purge.schemas failed: no tenants today.'],
      ['returns no list', () => 'tenant_a', 'purge.schemas returned "tenant_a"'],
      ['returns no names', () => [1], 'purge.schemas returned [ 1 ]'],
      ['returns the wildcard', () => ['*'], "purge.schemas returned [ '*' ]"],
    ])('purges the other entities if the function %s', async (_what, schemas, message) => {
      const report = await purge(schemas).run();

      expect(report.entities).toMatchObject([
        { entity: 'Country', purged: 1, blocked: 1 },
        { entity: 'Visit', table: '*.visit', purged: 0, error: expect.stringContaining(message) },
      ]);
      await expect(purge(schemas).run({ entities: [Visit] })).rejects.toThrow(PurgeSchemasError);
      await expect(purge(schemas).status()).rejects.toThrow(PurgeSchemasError);
      await expect(visits()).resolves.toHaveLength(9);
    });

    it('counts the rows of all schemas against maxRows, and each of them once', async () => {
      const service = purge();

      const first = await service.run({ maxRows: 2 });
      const second = await service.run();

      expect([first.outcome, first.total]).toEqual(['row-limit', 2]);
      expect(rows(second)).toEqual(['Visit tenant_a.visit 0 0', 'Visit tenant_b.visit 0 0', 'Country country 1 1']);
    });

    it('runs as one job over all schemas, in two processes at the same time', async () => {
      await test.database.query(
        TENANTS.map(
          (schema) => `insert into ${schema}.visit select n, null, ${DUE} from generate_series(100, 599) as n`,
        ).join(';'),
      );
      const other = await MikroORM.init({ clientUrl: test.database.url, entities: [Country, Visit] });
      const purges = [
        purge(),
        createPurge(other, { schemas: () => TENANTS.toReversed(), brake: false, pauseBetweenBatches: 0 }),
      ];

      const [[job], reports] = [
        await purges[0]!.jobs(),
        await Promise.all(purges.map((service) => service.runJob('soft-delete.purge.Country', { batchSize: 50 }))),
      ];
      await other.close();

      expect(job!.entities).toEqual(['Country', 'Visit']);
      expect(reports.reduce((sum, { total }) => sum + total, 0)).toBe(1_003);
      await expect(visits()).resolves.toHaveLength(7);
    });

    it('plans, counts and tells the lag of each schema', async () => {
      const service = purge();
      await test.database.query(`update tenant_b.visit set deleted_at = null`);

      const [plan, status, lag, open] = [
        await service.plan(),
        await service.status(),
        await service.lag(),
        await service.lag({ unblocked: true }),
      ];

      const tables = ['tenant_a.visit', 'tenant_b.visit', 'country'];
      for (const { entities } of [plan, status, lag, open] as { entities: readonly { table: string }[] }[]) {
        expect(entities.map(({ table }) => table)).toEqual(tables);
      }
      expect(status.entities.map(({ due }) => due)).toEqual([1, 0, 2]);
      expect(lag.entities.map(({ overdueBy }) => overdueBy > 0)).toEqual([true, false, true]);
      expect(open.entities.map(({ due, blocked }) => [due, blocked])).toEqual([
        [1, 0],
        [0, 0],
        [2, 1],
      ]);
      expect((await purge(() => ['tenant_a', 'nowhere']).lag()).entities.map(({ table }) => table)).toEqual([
        'tenant_a.visit',
        'country',
      ]);
    });

    it('explains rows of one schema', async () => {
      const service = purge();

      const states = async (schema: string) =>
        (await service.explain(Visit, [1, 2], { schema })).map(({ state }) => state);
      await expect(states('tenant_a')).resolves.toEqual(['removable', 'active']);
      await expect(service.explain(Visit, [1])).rejects.toThrow(SoftDeleteConfigError);
      await expect(service.explain(Country, [1])).resolves.toMatchObject([
        { state: 'blocked', blockedBy: expect.arrayContaining([expect.objectContaining({ table: 'tenant_a.visit' })]) },
      ]);
    });

    it('refuses anything but a function', () => {
      expect(() => createPurge(test.orm, { schemas: ['tenant_a'] as never })).toThrow(SoftDeleteConfigError);
    });
  });

  it('plans, counts and tells the lag of the other entities, and says what is left alone', async () => {
    const purge = createPurge(test.orm);

    const [plan, status, lag] = [await purge.plan(), await purge.status(), await purge.lag()];

    const alone = { entity: 'Visit', table: '*.visit', error: expect.stringContaining('Set purge.schemas') };
    expect(plan.entities).toMatchObject([{ entity: 'Country' }, { ...alone, blockedBy: [], removes: [], advice: [] }]);
    expect(status.entities).toMatchObject([{ entity: 'Country' }, { ...alone, deleted: 0, due: 0, blocked: 0 }]);
    expect(plan.entities[0]).not.toHaveProperty('error');
    expect(status.entities[0]).not.toHaveProperty('error');
    expect(lag.entities.map(({ entity }) => entity)).toEqual(['Country']);
  });
});
