import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { defineEntity, EntityRepository, MikroORM, p, type Rel } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  activeView,
  type Finding,
  type FindingCode,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { FAULTY } from './faulty-entities.js';

describe(SoftDeleteDoctor.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(FAULTY);
  });

  afterAll(() => test.close());

  /** What is found of one kind and about one entity, after a fault was planted, which is taken back afterwards. */
  async function find(code: FindingCode, entity: string, plant?: string, mend?: string): Promise<Finding[]> {
    if (plant) {
      await test.database.query(plant);
    }
    try {
      const findings = await new SoftDeleteDoctor(test.orm, { largeTable: 1_000 }).examine();
      return findings.filter((finding) => finding.code === code && finding.entity === entity);
    } finally {
      if (mend) {
        await test.database.query(mend);
      }
    }
  }

  const about = (severity: Finding['severity'], problem: string, fix: string) =>
    expect.objectContaining({ severity, problem: expect.stringContaining(problem), fix: expect.stringContaining(fix) });

  it('finds unique constraints that count deleted rows', async () => {
    expect(await find('unique-counts-deleted', 'Page')).toEqual([
      about('warning', 'page_next_page_unique', "@ActiveUnique({ properties: ['next'] })"),
      about(
        'warning',
        'no other can have its path',
        `create unique index page_path_unique on public.page (path) where ("deleted_at" is null);`,
      ),
    ]);
  });

  it('names the parts of a unique index that are no columns', async () => {
    const plant = 'create unique index page_lower on page (lower(path), slug)';
    expect(await find('unique-counts-deleted', 'Page', plant, 'drop index page_lower')).toContainEqual(
      about(
        'warning',
        'page_lower on (an expression, slug) counts deleted rows: once a Page is deleted, no other can have its an expression, slug,',
        '@Unique({ expression: … })',
      ),
    );
  });

  it('finds unique constraints that have no effect, because they contain the timestamp', async () => {
    expect(await find('unique-without-effect', 'Page')).toEqual([
      about('error', 'Two active rows may have the same slug', "@ActiveUnique({ properties: ['slug'] })"),
    ]);
    const sound = `create unique index page_a on page (path, deleted_at) nulls not distinct; create unique index page_b on page (id, slug)`;
    expect(await find('unique-without-effect', 'Page', sound)).toHaveLength(1);
    expect(await find('unique-counts-deleted', 'Page', undefined, 'drop index page_a, page_b')).toHaveLength(2);
  });

  it('finds a missing purge index', async () => {
    expect(
      await find(
        'purge-index-missing',
        'Label',
        'drop index label_deleted_at_id_index; create index partial on label (deleted_at) where deleted_at is null',
        'drop index partial; create index label_deleted_at_id_index on label (deleted_at, id) where deleted_at is not null',
      ),
    ).toEqual([
      about(
        'warning',
        '"label" has no index on its deleted rows',
        'create index concurrently "label_deleted_at_id_index" on "label" ("deleted_at", "id") where',
      ),
    ]);
  });

  it('finds an invalid purge index', async () => {
    expect(
      await find(
        'purge-index-invalid',
        'Label',
        `update pg_index set indisvalid = false where indexrelid = 'label_deleted_at_id_index'::regclass`,
        `update pg_index set indisvalid = true where indexrelid = 'label_deleted_at_id_index'::regclass`,
      ),
    ).toEqual([
      about(
        'error',
        'label_deleted_at_id_index is invalid',
        'reindex index concurrently "public"."label_deleted_at_id_index"',
      ),
    ]);
  });

  it('finds a large table whose timestamp no index covers', async () => {
    expect(await find('timestamp-not-indexed', 'Event')).toEqual([]);
    expect(
      await find(
        'timestamp-not-indexed',
        'Event',
        'insert into event (id) select generate_series(1, 2000); analyze event',
        'truncate event; analyze event',
      ),
    ).toEqual([about('warning', '"event" has about 2000 rows', 'purgeIndex: false')]);
  });

  it('finds foreign keys to soft-deletable tables without an index, those of pivot tables included', async () => {
    expect(await find('foreign-key-not-indexed', 'Member')).toEqual([
      about('warning', 'member_slow_id_foreign', '`index: true` in the relation Member.slow'),
    ]);
    expect(await find('foreign-key-not-indexed', '"folder_labels"')).toEqual([
      about(
        'warning',
        'purge one Label',
        'create index concurrently "folder_labels_label_id_index" on "folder_labels" ("label_id")',
      ),
    ]);
  });

  it('finds plain rows that a foreign key would take along only at the purge', async () => {
    expect(await find('plain-rows-behind-key', 'Attachment')).toEqual([
      about('warning', 'until the purge of the Folder removes them for good', 'Mark Attachment with @SoftDeletable()'),
    ]);
    expect(await find('plain-rows-behind-key', 'Bookmark')).toEqual([
      about('warning', 'clears their folder_id', 'Mark Bookmark with @SoftDeletable()'),
    ]);
    expect(await find('plain-rows-behind-key', 'Part')).toEqual([]);
    expect(
      await find(
        'plain-rows-behind-key',
        '"outside"',
        'create table outside (folder int primary key references folder on delete cascade)',
        'drop table outside',
      ),
    ).toEqual([about('warning', '"outside"', 'ON DELETE RESTRICT')]);
  });

  it('tells which rows relations leave to the key where they contain a part of them', async () => {
    expect(await find('plain-rows-behind-key', 'Volume')).toEqual([
      about('warning', 'its Volume rows outside of Shelf.torn and Shelf.lent stay as they are', 'Mark Volume with'),
    ]);
    expect(await find('plain-rows-behind-key', 'Copy')).toEqual([]);
  });

  it('blames a relation for its key alone', async () => {
    expect(await find('hard-deleted-parent', 'Clerk')).toEqual([
      about('warning', 'so clerk_seat_id_foreign refuses the removal', 'Office.guests'),
    ]);
  });

  it('finds repositories of the application that do not extend ours, installed or not', async () => {
    expect(await find('other-repository', 'Stored')).toEqual([
      about(
        'warning',
        'PlainRepository, the repository of Stored, does not extend SoftDeleteRepository',
        'class PlainRepository extends SoftDeleteRepository<Stored>',
      ),
    ]);
    const others = (findings: readonly Finding[]) =>
      findings.filter(({ code }) => code === 'other-repository').map(({ entity }) => entity);
    expect(others(await new SoftDeleteDoctor(test.orm).examine())).toEqual(['Stored']);
    const bare = await MikroORM.init({ clientUrl: test.database.url, entities: FAULTY });
    expect(others(await new SoftDeleteDoctor(bare).examine())).toEqual(['Stored']);
    await bare.close(true);
    class Everywhere extends EntityRepository<any> {}
    const general = await MikroORM.init({
      clientUrl: test.database.url,
      entities: FAULTY,
      entityRepository: Everywhere as never,
    });
    const found = others(await new SoftDeleteDoctor(general).examine());
    await general.close(true);
    expect(found).toContain('Label');
    expect(found).not.toContain('Kept');
    expect(found).not.toContain('Unmarked');
  });

  it('finds soft-deletable rows under a parent that is deleted for good', async () => {
    expect(await find('hard-deleted-parent', 'Member')).toEqual([
      about('error', 'removes its Member rows for good', "Member.cascading `deleteRule: 'restrict'`"),
      about('warning', 'member_restricting_id_foreign refuses the removal', 'off Tenant.members'),
      about('warning', 'on delete set null', 'Mark Tenant with @SoftDeletable()'),
    ]);
  });

  it('finds references that hide deleted rows by override', async () => {
    expect(await find('reference-hides-deleted', 'Member')).toEqual([
      about('info', 'Member.hidden hides a deleted Folder', 'filters: { softDelete: true }'),
    ]);
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities: FAULTY });
    try {
      const findings = await new SoftDeleteDoctor(orm).examine();
      expect(findings.filter(({ code }) => code === 'reference-hides-deleted')).toHaveLength(1);
    } finally {
      await orm.close(true);
    }
  });

  it('finds columns that cannot hold a time of deletion', async () => {
    expect(
      await find(
        'column-type',
        'Draft',
        'alter table draft alter column removed_at type timestamptz(0)',
        'alter table draft alter column removed_at type timestamptz',
      ),
    ).toEqual([
      about('error', 'timestamp(0) with time zone', 'alter table "draft" alter column "removed_at" type timestamptz'),
    ]);
    expect(await find('column-type', 'Local')).toEqual([
      about('warning', 'time zone of the session', 'alter column "deleted_at" type timestamptz'),
    ]);
    expect(
      await find(
        'column-type',
        'Event',
        'alter table event alter column deleted_at type date',
        'alter table event alter column deleted_at type timestamptz',
      ),
    ).toEqual([about('error', 'is date', 'type timestamptz')]);
  });

  it('finds columns that are not nullable or that have a default', async () => {
    expect(
      await find(
        'column-not-null',
        'Event',
        'alter table event alter column deleted_at set not null',
        'alter table event alter column deleted_at drop not null',
      ),
    ).toEqual([about('error', 'no row can be active', 'alter table "event" alter column "deleted_at" drop not null;')]);
    expect(
      await find(
        'column-default',
        'Event',
        'alter table event alter column deleted_at set default now()',
        'alter table event alter column deleted_at drop default',
      ),
    ).toEqual([about('error', 'has the default now()', 'drop default;')]);
  });

  it('finds tables and columns that are missing', async () => {
    expect(
      await find('table-missing', 'Event', 'alter table event rename to lost', 'alter table lost rename to event'),
    ).toEqual([about('error', 'event is not in the database', 'schema:update')]);
    expect(
      await find(
        'column-missing',
        'Event',
        'alter table event rename deleted_at to lost',
        'alter table event rename lost to deleted_at',
      ),
    ).toEqual([about('error', 'has no column deleted_at', 'schema:update')]);
  });

  it('finds entities that look soft-deletable and are not marked', async () => {
    expect(await find('not-marked', 'Forgotten')).toEqual([
      about('warning', 'Forgotten.deletedAt looks like', '@SoftDeletable() on Forgotten'),
    ]);
  });

  it('finds personal data that is kept forever', async () => {
    expect(await find('personal-data-forever', 'Subscriber')).toEqual([
      about('warning', 'email may be personal data', "retention: '30d'"),
    ]);
    const findings = await new SoftDeleteDoctor(test.orm, { retention: '30d' }).examine();
    expect(findings.filter(({ code }) => code === 'personal-data-forever')).toEqual([]);
  });

  it('finds a guard that is missing, disabled, changed or left over', async () => {
    const off = 'alter table ledger disable trigger soft_delete_guard';
    const on = 'alter table ledger enable trigger soft_delete_guard';
    expect(await find('guard-out-of-date', 'Ledger')).toEqual([]);
    expect(await find('guard-out-of-date', 'Ledger', off, on)).toEqual([
      about('error', 'is disabled', on.replace('ledger', '"ledger"')),
    ]);
    const rename = (from: string, to: string) => `alter trigger ${from} on ledger rename to ${to}`;
    expect(
      await find('guard-out-of-date', 'Ledger', rename('soft_delete_guard', 'g'), rename('g', 'soft_delete_guard')),
    ).toEqual([about('error', 'has no guard', 'schema:update')]);
    const trigger = (table: string) =>
      `create trigger soft_delete_guard before delete on ${table} for each row execute function nothing()`;
    const nothing = 'create function nothing() returns trigger language plpgsql as $$ begin return old; end $$';
    expect(
      await find('guard-out-of-date', 'Label', `${nothing}; ${trigger('label')}`, 'drop function nothing cascade'),
    ).toEqual([about('warning', 'does not declare', 'schema:update')]);
    const body = await test.database.query<{ src: string }>(
      `select prosrc as src from pg_proc where proname = 'ledger_soft_delete_guard_fn'`,
    );
    const replace = (src: string) =>
      `create or replace function ledger_soft_delete_guard_fn() returns trigger language plpgsql as $body$${src}$body$`;
    expect(
      await find('guard-out-of-date', 'Ledger', replace(' begin return old; end; '), replace(body[0]!.src)),
    ).toEqual([about('error', 'not the one of this version', 'schema:update')]);
  });

  it('finds a guard on a partitioned table, where PostgreSQL moves rows by a delete and an insert', async () => {
    const partition = `
      alter table ledger rename to whole_ledger;
      create table ledger (like whole_ledger including defaults) partition by hash (id);
      create table ledger_0 partition of ledger for values with (modulus 1, remainder 0);
      create trigger soft_delete_guard before delete on ledger for each row execute function ledger_soft_delete_guard_fn()`;
    const whole = 'drop table ledger; alter table whole_ledger rename to ledger';
    expect(await find('guard-out-of-date', 'Ledger', partition, whole)).toEqual([
      about('error', 'is partitioned', 'drop trigger if exists soft_delete_guard on "ledger"'),
    ]);
    expect(await find('guard-out-of-date', 'Ledger')).toEqual([]);
  });

  it('finds a view that is missing or does not show what the model says', async () => {
    expect(await find('view-out-of-date', 'ActivePage')).toEqual([]);
    const [view] = await test.database.query<{ sql: string }>(`select pg_get_viewdef('active_page'::regclass) as sql`);
    const drop = 'drop view active_page';
    const restore = `create view active_page as ${view!.sql}`;
    expect(await find('view-out-of-date', 'ActivePage', drop, restore)).toEqual([
      about('error', 'active_page is not in the database', 'schema:update'),
    ]);
    expect(
      await find(
        'view-out-of-date',
        'ActivePage',
        `${drop}; create view active_page as select id, path from page where deleted_at is null`,
        `${drop}; ${restore}`,
      ),
    ).toEqual([about('warning', 'public.active_page does not show', 'schema:update')]);
    const unconditional = restore.replace('e0.deleted_at IS NULL', 'true');
    expect(await find('view-out-of-date', 'ActivePage', `${drop}; ${unconditional}`, `${drop}; ${restore}`)).toEqual([
      about('warning', 'public.active_page does not show', 'schema:update'),
    ]);
  });

  it('finds rows that the purge should have removed', async () => {
    const insert = (age: string) => `insert into session (id, deleted_at) values (1, now() - interval '${age}')`;
    const remove = 'truncate session';
    expect(await find('purge-overdue', 'Session', insert('36 days'), remove)).toEqual([]);
    expect(await find('purge-overdue', 'Session', insert('40 days'), remove)).toEqual([
      about('warning', '10 days past their retention of 30 days', 'soft-delete purge'),
    ]);
  });

  it('reads in a transaction that cannot write', async () => {
    const log: string[] = [];
    const orm = await MikroORM.init({
      clientUrl: test.database.url,
      entities: FAULTY,
      debug: ['query'],
      colors: false,
      logger: (message) => log.push(message),
    });
    try {
      await new SoftDeleteDoctor(orm).examine();
      expect(log.filter((message) => !message.includes('select'))).toEqual([
        expect.stringContaining('start transaction read only'),
        expect.stringContaining('commit'),
      ]);
    } finally {
      await orm.close(true);
    }
  });

  it('finds marks that cannot work, and still looks at the rest', async () => {
    const Broken = softDeletable(defineEntity({ name: 'Broken', properties: { id: p.integer().primary() } }), {
      purgeIndex: false,
    });
    const orm = await MikroORM.init({ clientUrl: test.database.url, entities: [...FAULTY, Broken] });
    try {
      const findings = await new SoftDeleteDoctor(orm).examine();
      expect(findings.filter(({ entity }) => entity === 'Broken')).toEqual([
        expect.objectContaining({
          code: 'invalid-mark',
          severity: 'error',
          problem: expect.stringContaining('deletedAt'),
        }),
      ]);
      expect(findings.filter(({ code }) => code === 'unique-counts-deleted')).toHaveLength(2);
    } finally {
      await orm.close(true);
    }
  });

  it('puts errors first, and changes nothing', async () => {
    const schema = () =>
      test.database.query('select relname, relkind from pg_class where relnamespace = to_regnamespace($1) order by 1', [
        'public',
      ]);
    const before = await schema();
    test.statements.length = 0;
    const findings = await new SoftDeleteDoctor(test.orm).examine();
    const severities = findings.map(({ severity }) => severity);
    expect(severities).toEqual([...severities].sort((a, b) => 'ewi'.indexOf(a[0]!) - 'ewi'.indexOf(b[0]!)));
    expect(test.statements.filter((sql) => !/^(begin|commit|select)/i.test(sql.trim()))).toEqual([]);
    expect(await schema()).toEqual(before);
  });
});

describe('a sound schema', () => {
  @SoftDeletable({ retention: '30d', guard: true })
  @Entity({ schema: 'shop', tableName: 'Customers' })
  class Customer extends SoftDeletableEntity {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @ActiveUnique()
    @Property({ type: 'string' })
    email!: string;
  }

  @SoftDeletable({ retention: '30d' })
  @Entity({ inheritance: 'tpt' })
  class Doc extends SoftDeletableEntity {
    @PrimaryKey({ type: 'uuid' })
    id!: string;

    @ManyToOne({ entity: () => Customer, index: true })
    customer!: Rel<Customer>;
  }

  @Entity()
  class Invoice extends Doc {
    @Property({ type: 'string' })
    number!: string;
  }

  it('has no findings', async () => {
    const test = await createTestOrm([Customer, Doc, Invoice, activeView(Customer), activeView(Invoice)]);
    try {
      expect(await new SoftDeleteDoctor(test.orm).examine()).toEqual([]);
    } finally {
      await test.close();
    }
  });

  it('of many tables is examined with as many statements as one of few', async () => {
    const entities = Array.from({ length: 40 }, (_, i) =>
      softDeletable(
        defineEntity({
          name: `Table${i}`,
          extends: SoftDeletableEntity,
          properties: { id: p.integer().primary(), name: p.string() },
        }),
        { retention: '30d' },
      ),
    );
    const test = await createTestOrm(entities);
    try {
      await test.database.query(
        `insert into table39 (id, name, deleted_at) values (1, 'last', now() - interval '40 days')`,
      );
      const findings = await new SoftDeleteDoctor(test.orm).examine();
      expect(findings).toEqual([expect.objectContaining({ code: 'purge-overdue', entity: 'Table39' })]);
      expect(test.statements).toHaveLength(4);
    } finally {
      await test.close();
    }
  });
});
