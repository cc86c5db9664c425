import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { LIBRARY, Tag } from '../../support/library.js';

describe('the tables of complianceEntities()', () => {
  let database: TestDatabase;
  let path: string;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    path = await mkdtemp(join(tmpdir(), 'soft-delete-migrations-'));
    orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [...LIBRARY, ...complianceEntities()],
      extensions: [softDelete(), Migrator],
      migrations: { path, snapshot: false, emit: 'js' },
    });
  });
  afterAll(async () => {
    await orm.close(true);
    await rm(path, { recursive: true, force: true });
    await database.drop();
  });

  const record = () =>
    database.query(`insert into deletion_record (action, entity, count) values ('deleted', 'Tag', 1)`);
  const refused = (sql: string) =>
    expect(database.query(sql)).rejects.toThrow(/Refused to \w+( a row of)? public\.deletion_record/);

  it('are created by a migration, after which there is nothing to do, with their guards and without', async () => {
    const { diff } = await orm.migrator.create();
    expect(diff.up.join()).toContain('create table "deletion_record"');
    for (const sql of diff.up) {
      await database.query(sql);
    }
    expect((await orm.migrator.create()).diff).toEqual({ up: [], down: [] });
    for (const sql of complianceTablesSql()) {
      await database.query(sql);
    }
    expect((await orm.migrator.create()).diff).toEqual({ up: [], down: [] });
    expect(await orm.schema.getUpdateSchemaSQL()).toBe('');
  });

  it('are append-only: UPDATE, DELETE, MERGE and TRUNCATE are refused', async () => {
    await record();
    await refused(`update deletion_record set actor = 'mallory'`);
    await refused('delete from deletion_record');
    await refused(`
      merge into deletion_record as r using (values (1)) as v on r.action = 'deleted' when matched then update set count = 0`);
    await refused(`
      merge into deletion_record as r using (values (1)) as v on r.action = 'deleted' when matched then delete`);
    await refused('truncate deletion_record');
    await refused('truncate tag, book, deletion_record cascade');
    expect(await database.query('select action, count, actor from deletion_record')).toEqual([
      { action: 'deleted', count: '1', actor: null },
    ]);
  });

  it('are append-only in each of their partitions, those that are added later included', async () => {
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await database.query(sql);
    }
    expect((await orm.migrator.create()).diff.up).toEqual([]);
    await database.query(
      `insert into deletion_record (at, action, entity, count) values (now() - interval '2 years', 'deleted', 'Tag', 1)`,
    );
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await database.query(sql);
    }
    const parts = await database.query<{ name: string; rows: number }>(`
      select inhrelid::regclass::text as name, (xpath('/row/n/text()', query_to_xml('select count(*) as n from ' || inhrelid::regclass, false, true, '')))[1]::text::int as rows
      from pg_inherits where inhparent = 'deletion_record'::regclass`);
    expect(parts.length).toBeGreaterThan(24);
    expect(parts.filter(({ rows }) => rows > 0)).toHaveLength(2);
    for (const { name, rows } of parts) {
      await expect(database.query(`truncate ${name}`)).rejects.toThrow(/Refused to truncate/);
      for (const sql of rows === 0
        ? []
        : [
            `update ${name} set count = 0`,
            `delete from ${name}`,
            `merge into ${name} as r using (values (1)) as v on true when matched then update set count = 0`,
            `merge into ${name} as r using (values (1)) as v on true when matched then delete`,
          ]) {
        await expect(database.query(sql)).rejects.toThrow(/Refused to \w+ a row of public\.deletion_record_/);
      }
    }
    expect((await orm.migrator.create()).diff.up).toEqual([]);
    expect(await database.query('select count::int from deletion_record')).toEqual([{ count: 1 }, { count: 1 }]);
    await database.query(
      `begin; select set_config('soft_delete.records_before', 'infinity', true); delete from deletion_record where at < now() - interval '1 year'; commit`,
    );
  });

  it('are refused options that nobody reads', () => {
    expect(() => complianceTablesSql({ partitions: 'month' } as never)).toThrow('partitions');
  });

  it('need no module: a deletion is recorded by the extension alone, and by a second ORM over the same classes', async () => {
    await database.query(`insert into tag (name) values ('red'), ('blue')`);
    await (orm.em.fork() as any).getRepository(Tag).softDelete(1);
    const other = await MikroORM.init({
      clientUrl: database.url,
      entities: [...LIBRARY, ...complianceEntities()],
      extensions: [softDelete({ actor: () => 'other' })],
    });
    await (other.em.fork() as any).getRepository(Tag).softDelete(2);
    await (orm.em.fork() as any).getRepository(Tag).restore(2);
    await other.close(true);
    expect(
      await database.query(`select action, entity, count, actor from deletion_record order by id offset 1`),
    ).toEqual([
      { action: 'deleted', entity: 'Tag', count: '1', actor: null },
      { action: 'deleted', entity: 'Tag', count: '1', actor: 'other' },
      { action: 'restored', entity: 'Tag', count: '1', actor: null },
    ]);
  });
});
