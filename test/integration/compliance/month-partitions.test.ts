import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { SHOP } from '../archive/archive.entities.js';

describe("complianceTablesSql({ partition: 'month' })", () => {
  let database: TestDatabase;
  let path: string;
  let orm: MikroORM;

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'soft-delete-partitions-'));
  });
  beforeEach(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [...SHOP, ...complianceEntities()],
      extensions: [softDelete(), Migrator],
      migrations: { path, snapshot: false, emit: 'js' },
    });
    await orm.schema.create();
  });
  afterEach(async () => {
    await orm.close(true);
    await database.drop();
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  const partition = async () => {
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await database.query(sql);
    }
  };
  const partitions = async (table: string): Promise<string[]> =>
    (
      await database.query(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = '${table}'::regclass order by 1`,
      )
    ).map(({ name }) => name);
  /** The names of this month and the next three, and of months before. */
  const months = (table: string, before = 0) =>
    Array.from({ length: 4 + before }, (_, i) => {
      const month = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + i - before, 1));
      return `${table}_${month.toISOString().slice(0, 7).replace('-', '_')}`;
    });
  /** Everything that can be said about a table but its partitions. */
  const described = (table: string) =>
    database.query(`
      select 'column' as what, a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' ||
        coalesce(pg_get_expr(d.adbin, d.adrelid), '') as said
        from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = '${table}'::regclass and a.attnum > 0
      union all select 'index', replace(pg_get_indexdef(indexrelid), 'ON ONLY', 'ON') from pg_index where indrelid = '${table}'::regclass
      union all select 'key', conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = '${table}'::regclass and contype = 'p'
      union all select 'trigger', pg_get_triggerdef(oid) from pg_trigger where tgrelid = '${table}'::regclass and not tgisinternal
      union all select 'comment', obj_description('${table}'::regclass, 'pg_class')
      union all select 'grant', g.grantee::regrole || ' ' || g.privilege_type || ' ' || g.is_grantable
        from pg_class as c cross join lateral aclexplode(c.relacl) as g where c.oid = '${table}'::regclass and g.grantee <> c.relowner
      union all select 'sequence', objid::regclass || ' of ' || refobjsubid from pg_depend
        where refobjid = '${table}'::regclass and deptype = 'a' and classid = 'pg_class'::regclass
        and exists (select from pg_class as s where s.oid = objid and s.relkind = 'S')
      order by 1, 2`);

  it.each(['deletion_record', 'deletion_archive'])(
    'leaves everything of %s as it was, but for its partitions',
    async (table) => {
      for (const sql of complianceTablesSql()) {
        await database.query(sql);
      }
      await database.query(`
      do $$ begin create role auditor; exception when duplicate_object then null; end $$;
      grant select on ${table} to auditor with grant option; grant insert on ${table} to auditor`);
      const before = await described(table);

      await partition();

      expect(await described(table)).toEqual(before);
      expect(await partitions(table)).toEqual([...months(table), `${table}_default`]);
      expect(await orm.migrator.checkSchema()).toBe(false);
      expect((await orm.migrator.create()).diff.up).toEqual([]);
      expect(await orm.schema.getUpdateSchemaSQL()).toBe('');
      await partition();
      expect(await described(table)).toEqual(before);
    },
  );

  it('keeps the rows, each in the partition of its month', async () => {
    await database.query(`
      insert into deletion_record (at, action, entity, count) values
        (now() - interval '2 months' - interval '1 day', 'deleted', 'A', 1), (now(), 'deleted', 'B', 1), (now() + interval '9 months', 'deleted', 'C', 1)`);
    const rows = () => database.query('select to_jsonb(r) as row from deletion_record as r order by entity');
    const before = await rows();

    await partition();

    expect(await rows()).toEqual(before);
    const [{ count }] = (await database.query('select count(*)::int from deletion_record_default')) as [
      { count: number },
    ];
    expect(count).toBe(1);
    expect((await partitions('deletion_record')).length).toBeGreaterThan(6);
    await database.query(`insert into deletion_record (action, entity, count) values ('deleted', 'D', 1)`);
    const [{ id }] = (await database.query(`select id from deletion_record where entity = 'D'`)) as [{ id: string }];
    expect(id).toBe('4');
  });

  it('gives months that a row came too early for their partition later', async () => {
    await partition();
    await database.query(
      `insert into shop (id, name) values (1, 'Corner'); insert into product (id, name, shop_id) values (1, 'Bread', 1)`,
    );
    await orm.em.fork().getRepository<any>(SHOP[1]!).nativeDelete({ id: 1 });
    await database.query('alter table deletion_archive detach partition ' + months('deletion_archive')[0]!);
    await database.query(`insert into deletion_archive select * from ${months('deletion_archive')[0]!}`);
    await database.query(`drop table ${months('deletion_archive')[0]!}`);
    const rows = () => database.query('select tableoid::regclass::text as part, key from deletion_archive');
    expect(await rows()).toEqual([{ part: 'deletion_archive_default', key: '1' }]);

    await partition();

    expect(await rows()).toEqual([{ part: months('deletion_archive')[0], key: '1' }]);
    expect(await partitions('deletion_archive')).toEqual([...months('deletion_archive'), 'deletion_archive_default']);
  });

  it('gives every partition each trigger of the table that refuses or notes a TRUNCATE', async () => {
    await partition();
    await database.query(`
      create function note() returns trigger language plpgsql as 'begin return null; end';
      create trigger noted before truncate on deletion_archive for each statement execute function note()`);
    const triggers = (table: string) =>
      database.query(
        `select tgname from pg_trigger where tgrelid = '${table}'::regclass and tgtype & 32 = 32 order by tgname`,
      );
    const all = await triggers('deletion_archive');
    expect(all.length).toBeGreaterThan(1);

    await partition();

    for (const name of await partitions('deletion_archive')) {
      expect([name, await triggers(name)]).toEqual([name, all]);
    }
  });

  it('works in schemas of their own, and says what is missing', async () => {
    const schema = `Archive's "old"`;
    const name = orm.em.getPlatform().quoteIdentifier(schema);
    await database.query(`create schema ${name}; alter table deletion_archive set schema ${name};
      alter table deletion_record set schema ${name}; alter table legal_hold set schema ${name}; alter table legal_hold_row set schema ${name}; alter table erasure set schema ${name}`);
    await expect(partition()).rejects.toThrow('There is no table "deletion_record": create it with a migration first.');
    for (const sql of complianceTablesSql({ partition: 'month', schema })) {
      await database.query(sql);
    }
    expect(await partitions(`${name.replaceAll("'", "''")}.deletion_archive`)).toHaveLength(5);
    expect(() => complianceTablesSql({ partition: 'week' as never })).toThrow("Write 'month', or leave it out.");
  });
});
