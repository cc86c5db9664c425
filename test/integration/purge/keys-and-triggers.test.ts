import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { createPurge, PurgeInterruptedError, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const DUE = "now() - interval '40 days'";
const KEPT = "now() - interval '20 days'";
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

const File = softDeletable(
  defineEntity({
    name: 'File',
    tableName: 'file',
    properties: { id: p.integer().primary(), folder: p.integer().nullable().index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
/** Names that need care: a key of blank-padded text beside one of any text, and quotes and question marks in identifiers. */
const Country = softDeletable(
  defineEntity({
    name: 'Country',
    tableName: 'country!',
    properties: {
      code: p.string().columnType('char(3)').primary(),
      note: p.text().primary(),
      deletedAt: p.datetime().columnType('timestamptz').fieldName('gone "at"!').nullable(),
    },
  }),
  { retention: '30d' },
);
/** Each points at the other, as a customer and its first address do. */
const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    tableName: 'customer',
    properties: { id: p.integer().primary(), address: p.integer().nullable().index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
const Address = softDeletable(
  defineEntity({
    name: 'Address',
    tableName: 'address',
    properties: { id: p.integer().primary(), customer: () => p.manyToOne(Customer).index(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);

/** Its table is partitioned below. */
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    tableName: 'visit',
    properties: { id: p.integer().primary(), file: p.integer().nullable(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([File, Country, Customer, Address, Visit], {}, false);
    await test.database.query(`
      alter table file add foreign key (folder) references file;
      alter table customer add foreign key (address) references address;
      drop table visit;
      create table visit (id int primary key, file int, deleted_at timestamptz) partition by range (id);
      create table visit_1 partition of visit for values from (1) to (10);
      create table visit_2 partition of visit for values from (10) to (20);
      alter table visit_2 add foreign key (file) references file on delete cascade;
    `);
  });
  beforeEach(async () => {
    test.statements.length = 0;
    await test.database.query('truncate file, "country!", customer, address, visit cascade');
  });
  afterAll(() => test.close());

  const run = (entities: string[]) => createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run({ entities });
  const column = async (sql: string) => (await test.database.query(sql)).map((row) => Object.values(row)[0]);
  const files = () => column('select id from file order by id');

  it('reports a row as failed that a trigger keeps without a word, and leaves what belongs to it', async () => {
    await test.database.query(`
      create table page (id int primary key, file_id int not null references file on delete cascade);
      create index on page (file_id);
      insert into file (id, deleted_at) select n, ${DUE} from generate_series(1, 200) as n;
      insert into page values (1, 7), (2, 8);
      create function keep() returns trigger language plpgsql as $$ begin return case when old.id <> 7 then old end; end $$;
      create trigger keep before delete on file for each row execute function keep();
    `);
    const hooked: number[] = [];
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });

    const report = await purge.run({ entities: ['File'] });
    purge.registerHook(File.class, (rows: { id: number }[]) => void hooked.push(...rows.map(({ id }) => id)));
    const again = await purge.run({ entities: ['File'] });
    await test.database.query('drop table page; drop function keep cascade');

    const kept = 'A trigger kept the row in file';
    const failed = (message: string) => ({ failed: 1, locked: 0, blocked: 0, failures: [{ key: 7, message }] });
    expect(report.entities[0]).toMatchObject({ purged: 199, ...failed(`${kept}.`) });
    expect(again.entities[0]).toMatchObject({
      purged: 0,
      ...failed(`${kept}, or an @OnPurge() handler has restored or removed it.`),
    });
    expect(new Set(hooked)).toEqual(new Set([7]));
    await expect(files()).resolves.toEqual([7]);
  });

  it('tries a row again that stayed although nothing held it, as one does that was changed at that moment', async () => {
    await test.database.query(`
      insert into file (id, deleted_at) values (1, ${DUE}), (2, ${DUE});
      create sequence attempts;
      create function keep() returns trigger language plpgsql as $$ begin return case when old.id = 2 or nextval('attempts') > 1 then old end; end $$;
      create trigger keep before delete on file for each row execute function keep();
    `);
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 1 });
    purge.registerHook(File.class, () => undefined);

    const { entities } = await purge.run({ entities: ['File'] });
    await test.database.query('drop function keep cascade; drop sequence attempts');

    expect(entities[0]).toMatchObject({ purged: 2, failed: 0, failures: [] });
    await expect(files()).resolves.toEqual([]);
  });

  it.each([
    { index: 'on page (file_id)', helps: true },
    { index: 'on page (file_id, id)', helps: true },
    { index: 'on page (file_id) where file_id is not null', helps: true },
    { index: 'on page (id, file_id)', helps: false },
    { index: 'on page (file_id) where id > 100', helps: false },
    { index: 'on page (file_id) where id is not null', helps: false },
    { index: 'on page ((file_id + 0))', helps: false },
  ])('asks for an index on a foreign key unless there is one that helps: $index', async ({ index, helps }) => {
    await test.database.query(
      `create table page (id int, file_id int references file on delete cascade); create index ${index}`,
    );

    const plan = await createPurge(test.orm).plan();
    await test.database.query('drop table page');

    const advice = plan.entities
      .flatMap((entity) => entity.advice)
      .filter((line) => line.includes('page_file_id_fkey'));
    expect(advice).toHaveLength(helps ? 0 : 1);
  });

  it.each([
    {
      kind: 'not enforced, which PostgreSQL has from 18 on',
      sql: `do $$ begin
        execute 'alter table page alter constraint page_code_note_fkey not enforced';
      exception when syntax_error then
        alter table "country!" disable trigger all;
      end $$`,
    },
    { kind: 'without its triggers', sql: 'alter table "country!" disable trigger all' },
    { kind: 'without triggers in this session', sql: "set session_replication_role = 'replica'" },
  ])('looks at the rows behind a foreign key that the database does not see to: $kind', async ({ sql }) => {
    await test.database.query(`
      create table page (code char(3), note text, foreign key (code, note) references "country!");
      create index on page (code, note);
      insert into "country!" (code, note, "gone ""at""!") select n, 'note', ${DUE} from generate_series(1, 20) as n;
      insert into page values (7, 'note');
    `);
    await test.orm.em.execute(sql);

    const report = await run(['Country']);
    await test.orm.em.execute('reset session_replication_role');
    await test.database.query('alter table "country!" enable trigger all; drop table page');

    expect(report.entities[0]).toMatchObject({ purged: 19, blocked: 1 });
    await expect(column('select trim(code) from "country!"')).resolves.toEqual(['7']);
  });

  it('believes keys that are checked at the commit, of several columns, in a partitioned table or in one partition alone', async () => {
    await test.database.query(`
      create schema archive;
      create table archive.visit (id int not null, file_id int references file deferrable initially deferred, file_b int) partition by range (id);
      create table archive.visit_1 partition of archive.visit for values from (1) to (10);
      create table archive.visit_2 partition of archive.visit for values from (10) to (20);
      alter table file add unique (id, folder);
      alter table archive.visit_2 add foreign key (file_b) references file (id) on delete cascade;
      create table pair (id int, folder int, foreign key (id, folder) references file (id, folder) match full deferrable initially deferred);
      insert into file (id, folder, deleted_at) values (1, null, null), (2, null, ${DUE}), (3, 1, ${DUE}), (4, null, ${DUE}), (5, null, ${DUE}), (6, null, ${DUE});
      insert into archive.visit values (1, 2, null), (11, null, 4);
      insert into pair values (3, 1), (null, null);
    `);
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });

    const rehearsed = await purge.run({ entities: ['File'], dryRun: true });
    const { entities } = await purge.run({ entities: ['File'] });
    const visits = await column('select id from archive.visit order by id');
    await test.database.query('drop schema archive cascade; drop table pair');

    expect(entities[0]).toMatchObject({
      purged: 3,
      blocked: 2,
      failed: 0,
      locked: 0,
      blockedBy: [
        { table: 'pair', constraint: 'pair_id_folder_fkey', rows: 1 },
        { table: 'archive.visit', constraint: 'visit_file_id_fkey', rows: 1 },
      ],
    });
    expect(rehearsed.entities[0]).toMatchObject({ purged: 3, blocked: 2, blockedBy: entities[0]!.blockedBy });
    await expect(files()).resolves.toEqual([1, 2, 3]);
    expect(visits).toEqual([1]);
  });

  it('never takes along a soft-deletable row of a partition that has a key of its own', async () => {
    await test.database.query(`
      insert into file (id, deleted_at) values (1, ${DUE}), (2, ${DUE}), (3, ${DUE});
      insert into visit values (1, 1, null), (11, 2, null), (12, 3, ${DUE});
    `);

    const { entities } = await run(['File', 'Visit']);

    expect(entities).toMatchObject([
      { entity: 'Visit', purged: 1, blocked: 0 },
      { entity: 'File', purged: 1, blocked: 2 },
    ]);
    await expect(files()).resolves.toEqual([1, 2]);
    await expect(column('select id from visit order by id')).resolves.toEqual([1, 11]);
  });

  it('removes circles of two tables many at a time, and leaves those that are not due as a whole', async () => {
    await test.database.query(`
      insert into customer (id, deleted_at) select n, ${DUE} from generate_series(1, 1500) as n;
      insert into address (id, customer_id, deleted_at) select n, n, case when n % 500 = 0 then ${KEPT} else ${DUE} end from generate_series(1, 1500) as n;
      update customer set address = id;
    `);
    const user = await test.database.connect();
    await user.query('begin; select from address where id = 5 for update');

    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 1_000 });
    const { entities } = await purge.run({ entities: ['Customer', 'Address'] });
    await user.end();

    const left = { purged: 1496, failed: 0, locked: 1 };
    expect(entities).toContainEqual(expect.objectContaining({ entity: 'Customer', ...left, blocked: 3 }));
    expect(entities).toContainEqual(expect.objectContaining({ entity: 'Address', ...left, blocked: 0 }));
    await expect(column('select id from customer order by id')).resolves.toEqual([5, 500, 1000, 1500]);
    await expect(column('select id from address order by id')).resolves.toEqual([5, 500, 1000, 1500]);
    expect(test.statements.length).toBeLessThan(1_000);
  });

  it('removes a chain of 10,000 rows, each deleted before the one that references it', async () => {
    await test.database.query(`
      insert into file (id, folder, deleted_at) select n, nullif(n + 1, 10001), ${DUE} from generate_series(1, 10000) as n;
    `);

    await expect(run(['File'])).resolves.toMatchObject({
      entities: [{ purged: 10_000, blocked: 0, failed: 0, locked: 0 }],
    });
    await expect(files()).resolves.toEqual([]);
  });

  it('keeps to the microsecond, and to times that never or always were', async () => {
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });
    await test.database.query(`
      insert into file (id, deleted_at) values (1, 'infinity'), (2, now() + interval '1 year'), (3, '-infinity'), (4, '0044-03-15 BC');
      insert into file (id, deleted_at) select 10 + n, now() - interval '30 days' + interval '2 hours' + n * interval '1 microsecond' from generate_series(1, 5) as n;
    `);
    const status = await purge.status();
    const file = status.entities.find(({ entity }) => entity === 'File')!;
    expect(file).toMatchObject({ deleted: 9, due: 2, blocked: 0 });
    expect(Date.parse(file.oldestDue!.toISOString())).toBeLessThan(Date.parse('-010000-01-01'));

    await expect(run(['File'])).resolves.toMatchObject({ total: 2 });
    await expect(files()).resolves.toEqual([1, 2, 11, 12, 13, 14, 15]);
  });

  it('finds rows by keys that SQL and JSON write in their own ways', async () => {
    const notes = ['', "it's", '\\', '"q"', '? $1 :a', '%_', 'é\u00a0\t\n', '[1,2]', 'null'];
    for (const code of ['a', 'ab', 'abc']) {
      for (const note of notes) {
        await test.database.query(`insert into "country!" values ($1, $2, ${DUE})`, [code, note]);
      }
    }
    await test.database.query(`insert into "country!" values ('ab', 'kept', null)`);
    const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 2 });
    const seen: string[] = [];
    purge.registerHook(Country.class, (rows: { note: string }[]) => void seen.push(...rows.map(({ note }) => note)), {
      fields: ['note'],
    });

    // Some by age and some by their keys.
    const controller = new AbortController();
    await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0, batchSize: 2 }).run({
      entities: ['Country'],
      signal: controller.signal,
      onProgress: ({ total }) => total >= 8 && controller.abort(),
    });
    const { entities } = await purge.run({ entities: ['Country'] });

    expect(entities[0]).toMatchObject({ purged: 19, failed: 0, locked: 0 });
    expect(new Set(seen)).toEqual(new Set(notes.filter((note) => seen.includes(note))));
    await expect(column('select note from "country!"')).resolves.toEqual(['kept']);
  });

  it('refuses to purge what row-level security may hide from it', async () => {
    await test.database.query(`
      create role tenant login password 'tenant'; grant all on all tables in schema public to tenant;
      create table secret (id int primary key, file_id int references file); grant all on secret to tenant;
      alter table secret enable row level security;
      insert into file (id, deleted_at) values (1, ${DUE}); insert into secret values (1, 1);
    `);
    const url = new URL(test.database.url);
    url.username = url.password = 'tenant';
    const orm = await MikroORM.init({ clientUrl: String(url), entities: [File, Country, Customer, Address, Visit] });

    const refused = createPurge(orm).run();

    await expect(refused).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining('row-level security'),
    });
    // What is hidden elsewhere needs no due row.
    await test.database.query(`
      drop table secret;
      create table unrelated (id int primary key); create table hidden (id int primary key references unrelated);
      grant all on hidden, unrelated to tenant; alter table hidden enable row level security`);
    await expect(createPurge(orm).run({ dryRun: true })).resolves.toMatchObject({ outcome: 'completed' });
    await orm.close(true);
    await test.database.query('drop table hidden, unrelated; drop owned by tenant; drop role tenant');
  });

  it('ends with what it has done when a table is dropped under it', async () => {
    await test.database.query(`
      create table scratch (id int, file_id int references file);
      insert into file (id, deleted_at) select n, ${DUE} from generate_series(1, 400) as n;
    `);
    const dropped = createPurge(test.orm, { brake: false, pauseBetweenBatches: 30, batchSize: 100 }).run({
      entities: ['File'],
      onProgress: () => void test.database.query('drop table if exists scratch'),
    });

    const error = await dropped.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PurgeInterruptedError);
    expect(error).toMatchObject({ report: { outcome: 'aborted' }, cause: { code: '42P01' } });
    await expect(run(['File'])).resolves.toMatchObject({ outcome: 'completed' });
    await expect(files()).resolves.toEqual([]);
  });
});
