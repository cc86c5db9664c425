import { defineEntity, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  RestoreConflictError,
  softDeletable,
  SoftDeleteDoctor,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Badge = softDeletable(
  defineEntity({
    name: 'Badge',
    tableName: 'badge',
    properties: {
      id: p.blob().primary(),
      holder: p.string().length(20),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
    uniques: [{ properties: ['holder'], where: 'deleted_at is null' }],
  }),
  { retention: '30d' },
);
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    tableName: 'visit',
    properties: {
      id: p.integer().primary(),
      place: p.string().length(20),
      fee: p.decimal().precision(10).scale(2),
      note: p.json().nullable(),
    },
  }),
  { strategy: 'archive', retention: '30d' },
);

/** What a database may have as its defaults, and the ORM gets along with. */
const SETTINGS = [
  'standard_conforming_strings = off',
  'escape_string_warning = off',
  'transform_null_equals = on',
  'plan_cache_mode = force_generic_plan',
  "default_transaction_isolation = 'repeatable read'",
];

describe('A database with settings of its own', () => {
  let test: TestOrm;
  const key = Buffer.from('00ff5c78', 'hex');

  beforeAll(async () => {
    const alter = SETTINGS.map(
      (setting) => `execute format('alter database %I set ${setting.replaceAll("'", "''")}', current_database());`,
    );
    test = await createTestOrm(
      [Badge, Visit, ...complianceEntities()],
      {},
      {},
      `do $$ begin ${alter.join(' ')} end $$`,
    );
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await test.database.query(sql);
    }
  });
  beforeEach(() =>
    test.database.query(`
      truncate badge, visit;
      insert into badge (id, holder) values (decode('00ff5c78', 'hex'), 'Ada'), (decode('01', 'hex'), 'Bob');
      insert into visit values (1, E'C:\\\\new (old)', 12.50, null), (2, 'Rome', 0, '{"a": "\\\\u00e9"}')`),
  );
  afterAll(() => test.close());

  const repo = (entity: any) => new SoftDeleteRepository<any>(test.orm.em.fork(), entity);

  it('keeps keys of bytes as they are', async () => {
    expect(await repo(Badge).softDelete(key)).toMatchObject({ total: 1 });
    await test.database.query("insert into badge (id, holder) values (decode('02', 'hex'), 'Ada')");
    const conflict = await repo(Badge)
      .restore(key)
      .catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(RestoreConflictError);
    expect((conflict as RestoreConflictError).conflicts).toMatchObject([
      { reason: 'unique', key, conflictingKey: Buffer.from([2]) },
    ]);
    await test.database.query("update badge set deleted_at = now() - interval '40 days' where deleted_at is not null");
    expect(await createPurge(test.orm).run()).toMatchObject({ total: 1 });
    expect(await test.database.query("select encode(id, 'hex') as id from badge order by 1")).toEqual([
      { id: '01' },
      { id: '02' },
    ]);
  });

  it('brings archived rows back equal, and drops their months', async () => {
    const before = await test.database.query('select visit::text as row from visit order by id');
    expect(await repo(Visit).softDelete({})).toMatchObject({ total: 2 });
    expect(await test.database.query('select from visit')).toEqual([]);
    expect(await repo(Visit).restore({})).toMatchObject({ total: 2 });
    expect(await test.database.query('select visit::text as row from visit order by id')).toEqual(before);

    await repo(Visit).softDelete({});
    await ageArchive(test.database, 70);
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await test.database.query(sql);
    }
    test.statements.length = 0;
    expect(await createPurge(test.orm).run()).toMatchObject({ total: 2 });
    expect(test.statements.filter((sql) => /^drop table/i.test(sql))).toHaveLength(1);
    expect(await test.database.query('select from deletion_archive')).toEqual([]);
  });

  it('has nothing for the doctor to find', async () => {
    const findings = await new SoftDeleteDoctor(test.orm).examine();
    expect(findings.filter(({ code }) => code !== 'records-owned')).toEqual([]);
  });
});
