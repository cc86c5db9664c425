import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeService, softDeletable, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
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
        { entity: 'Visit', purged: 0, error: expect.stringContaining("run({ schema: 'tenant_1' })") },
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

  it('plans, counts and tells the lag of the other entities', async () => {
    const purge = createPurge(test.orm);

    const [plan, status, lag] = [await purge.plan(), await purge.status(), await purge.lag()];

    expect([plan, status, lag].map(({ entities }) => entities.map(({ entity }) => entity))).toEqual([
      ['Country'],
      ['Country'],
      ['Country'],
    ]);
  });
});
