import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  createPurge,
  type Duration,
  type Finding,
  softDelete,
  softDeletable,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { addMonths } from '../../../lib/compliance/add-months.js';
import { ageArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Visit = softDeletable(
  defineEntity({ name: 'Visit', properties: { id: p.integer().primary(), path: p.text() } }),
  { strategy: 'archive' },
);
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });

describe('SoftDeleteDoctor of archived entities', () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Visit, ...complianceEntities()] as never);
  });
  afterEach(() => test.close());

  const find = async (orm: MikroORM = test.orm, options = {}): Promise<Finding[]> =>
    (await new SoftDeleteDoctor(orm, options).examine()).filter(
      ({ code, entity }) =>
        code.startsWith('archive') || (code === 'partition-missing' && entity === 'DeletionArchive'),
    );
  const partition = async () => {
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await test.database.query(sql);
    }
  };

  it('has nothing to say of a table that is as it should be, with partitions and without', async () => {
    expect(await find()).toEqual([]);
    await partition();
    expect(await find()).toEqual([]);
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities: [Plain], extensions: [softDelete()] });
    expect(await find(orm)).toEqual([]);
    await orm.close(true);
  });

  it('misses partitions to come, which the CLI adds', async () => {
    await partition();
    await test.database.query(`do $$ declare part text; begin
      for part in select i.inhrelid::regclass::text from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'deletion_archive'::regclass and relname ~ '\\d$' order by 1 offset 1
      loop execute 'drop table ' || part; end loop; end $$`);
    expect(await find()).toMatchObject([{ code: 'partition-missing', severity: 'warning' }]);

    const added = await addMonths(test.orm, 5);
    expect(added.map(({ table, added: names }) => [table, names.length])).toEqual([
      ['deletion_record', 2],
      ['deletion_archive', 5],
    ]);
    expect(await addMonths(test.orm, 5)).toEqual([
      { table: 'deletion_record', added: [] },
      { table: 'deletion_archive', added: [] },
    ]);
    expect(await find()).toEqual([]);
  });

  it('finds keys by which rows would go without a copy in the archive', async () => {
    const reference = (deleteRule?: string) => () =>
      p
        .manyToOne(Plain)
        .nullable()
        .deleteRule(deleteRule as never);
    const Log = softDeletable(
      defineEntity({
        name: 'Log',
        properties: {
          id: p.integer().primary(),
          taking: reference('cascade'),
          clearing: reference('set null'),
          refusing: reference('restrict'),
          parent: () => p.manyToOne(Log).nullable().deleteRule('cascade'),
        },
      }),
      { strategy: 'archive' },
    );
    const { orm, close } = await createTestOrm([Plain, Log, ...complianceEntities()]);
    const findings = await new SoftDeleteDoctor(orm).examine();
    await close();
    expect(findings.filter(({ code }) => code.endsWith('parent'))).toEqual([
      {
        code: 'hard-deleted-parent',
        severity: 'error',
        entity: 'Log',
        problem: expect.stringContaining('deleting a Plain removes its Log rows without a copy in the archive'),
        fix: expect.stringContaining("give Log.taking `deleteRule: 'restrict'`"),
      },
    ]);
  });

  it('refuses to add months to tables without partitions', async () => {
    await expect(addMonths(test.orm, 3)).rejects.toThrow("complianceTablesSql({ partition: 'month' })");
  });

  it('says which months nobody drops that could, and when partitions are worth it', async () => {
    await test.database.query(
      `insert into deletion_archive (part, key, unit, entity, data, types) select 'Visit', n::text, now(), 'Visit', '{}', '' from generate_series(1, 2000) as n`,
    );
    await test.database.query('analyze deletion_archive');
    expect(await find(test.orm, { largeTable: 1_000 })).toMatchObject([
      { code: 'archive-not-partitioned', problem: expect.stringContaining('about 2000 rows') },
    ]);
    await partition();
    await test.database
      .query(`do $$ begin create role visitor login password 'visitor'; exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to visitor`);
    const url = Object.assign(new URL(test.database.url), { username: 'visitor', password: 'visitor' });
    const orm = await MikroORM.init({
      clientUrl: url.href,
      entities: [Visit, ...complianceEntities()] as never,
      extensions: [softDelete()],
    });
    const find30 = (of: MikroORM, retention: Duration = '30d') => find(of, { retention });
    try {
      // The role of an application, as it should be.
      expect(await find30(orm)).toEqual([]);
      await ageArchive(test.database, 70);
      await partition();
      expect(await find(orm)).toEqual([]);
      expect(await find30(orm, '1y')).toEqual([]);
      expect(await find30(test.orm)).toEqual([]);
      const [finding, ...others] = await find30(orm, '1d');
      expect(others).toEqual([]);
      expect(finding).toMatchObject({ code: 'archive-not-owned', severity: 'info' });
      expect(finding!.problem).toMatch(
        /^deletion_archive_\d{4}_\d\d and \d other months? of the archive can be dropped and are not: visitor does not own/,
      );
      await createPurge(test.orm, { retention: '1d', brake: false } as never).run();
      expect(await find30(orm, '1d')).toEqual([]);
    } finally {
      await orm.close(true);
      await test.database.query('drop owned by visitor');
    }
  });

  it('finds what a soft deletion has left in the table', async () => {
    await test.database.query(`alter table visit add column deleted_at timestamptz;
      create unique index visit_path_unique on visit (path) where deleted_at is null;
      create index visit_path_where on visit (path, id) where deleted_at is null;
      create index visit_path_plain on visit (path, id);`);
    expect(await find()).toMatchObject([
      { code: 'archived-timestamp', severity: 'error', fix: expect.stringContaining('drop column "deleted_at"') },
      {
        code: 'archived-partial-index',
        severity: 'warning',
        problem: expect.stringMatching(/^visit_path_unique leaves out .* a plain unique means the same/),
        fix: expect.stringContaining('@Unique() on Visit'),
      },
      {
        code: 'archived-partial-index',
        severity: 'warning',
        problem: expect.stringMatching(/^visit_path_where leaves out .* a plain index means the same/),
        fix: expect.stringContaining('@Index() on Visit'),
      },
    ]);
  });
});
