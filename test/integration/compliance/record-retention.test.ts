import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, installSoftDelete, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { LIBRARY, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe.each([
  ['one table', {}],
  ['a partition for each month', { partition: 'month' }],
] as const)('the retention of records in %s', (_what, shape) => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm(
      [...LIBRARY, ...complianceEntities()],
      { extensions: [softDelete({ log: { retention: '90d' } })] },
      false,
    );
    await test.database.query(`
      insert into deletion_record (at, action, entity, count)
      select now() - interval '1 day' * n, 'deleted', 'Tag', n from generate_series(0, 200) as n`);
    for (const sql of complianceTablesSql(shape)) {
      await test.database.query(sql);
    }
  });
  afterEach(() => test.close());

  const ages = async () =>
    (await test.database.query('select count::int as age from deletion_record order by 1')).map(({ age }) => age);
  const upTo = (last: number) => Array.from({ length: last + 1 }, (_, i) => i);
  const run = (options = {}, orm = test.orm) => createPurge(orm, { pauseBetweenBatches: 0 }).run(options);

  it('is kept by the run of a purge, and by none that only looks or is of some entities', async () => {
    await run({ dryRun: true });
    await run({ entities: [Tag] });
    expect(await ages()).toEqual(upTo(200));
    await expect(run()).resolves.toMatchObject({ outcome: 'completed', total: 0 });
    expect(await ages()).toEqual(upTo(89));
    await run();
    expect(await ages()).toEqual(upTo(89));
    expect(await test.orm.schema.getUpdateSchemaSQL()).toBe('');
  });

  it('drops months that are over, if they belong to the role, and deletes the rest', async () => {
    const months = async () =>
      (
        await test.database.query(
          `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'deletion_record'::regclass`,
        )
      ).length;
    const before = await months();
    test.statements.length = 0;
    await run();
    const dropped = test.statements.filter((sql) => sql.startsWith('drop table'));
    expect(before - (await months())).toBe(dropped.length);
    expect(dropped.length > 0).toBe('partition' in shape);
    expect(test.statements.some((sql) => /delete from .*deletion_record/.test(sql))).toBe(true);
  });

  it('is kept by a role that may delete and owns nothing', async () => {
    const role = `${test.database.name}_app`;
    await test.database.query(`
      create role ${role} login password 'app'; grant usage on schema public to ${role};
      grant select, insert, update, delete on all tables in schema public to ${role}; grant usage on all sequences in schema public to ${role}`);
    const url = new URL(test.database.url);
    [url.username, url.password] = [role, 'app'];
    const other = await MikroORM.init({
      clientUrl: url.toString(),
      entities: [...LIBRARY, ...complianceEntities()],
      extensions: [softDelete({ log: { retention: '90d' } })],
    });
    await run({}, other);
    await other.close(true);
    expect(await ages()).toEqual(upTo(89));
    await test.database.query(`drop owned by ${role}; drop role ${role}`);
  });

  it('lets nothing pass but DELETEs of records that are older than the transaction says', async () => {
    const client = await test.database.connect();
    const refused = async (sql: string) => {
      await client.query(
        `begin; select set_config('soft_delete.records_before', (now() - interval '90 days')::text, true)`,
      );
      await expect(client.query(sql)).rejects.toThrow(/Refused to \w+/);
      await client.query('rollback');
    };
    await refused('delete from deletion_record');
    await refused('delete from deletion_record where count < 90');
    await refused(`update deletion_record set actor = 'mallory' where count > 100`);
    await refused('truncate deletion_record');
    await refused('delete from legal_hold_row; truncate legal_hold_row');
    await client.end();
    expect(await ages()).toEqual(upTo(200));
  });

  it('is forever unless somebody says something else', async () => {
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [...LIBRARY, ...complianceEntities()],
    });
    installSoftDelete(other, {});
    await run({}, other);
    expect(await ages()).toEqual(upTo(200));
    installSoftDelete(other, { log: { retention: '90d' } });
    await run({}, other);
    expect(await ages()).toEqual(upTo(89));
    await other.close(true);
  });

  it('is refused where it is no duration, or nothing is recorded', async () => {
    expect(() => softDelete({ log: { retention: '90' as never } })).toThrow('log.retention');
    const other = await MikroORM.init({ clientUrl: test.database.url, entities: LIBRARY });
    expect(() => installSoftDelete(other, { log: { retention: '90d' } })).toThrow('nothing is recorded');
    await other.close(true);
  });
});
