import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM, type Rel } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  activeView,
  createPurge,
  type Finding,
  type FindingCode,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { FAULTY } from './faulty-entities.js';
import { MENDED } from './mended-entities.js';

@Entity()
class Region {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable({ retention: '30d' })
@Entity({ tableName: 'Owner of docs' })
class Owner extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ActiveUnique()
  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne({ entity: () => Region, nullable: true, deleteRule: 'restrict', index: true })
  region?: Rel<Region>;
}

@SoftDeletable({ retention: '30d', guard: true })
@Entity({ schema: 'archive' })
class Doc extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Owner, index: true })
  owner!: Rel<Owner>;
}

@SoftDeletable({ purgeIndex: false })
@Entity()
class Event extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const OWNER = '"Owner of docs"';

describe('what the doctor advises', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Region, Owner, Doc, Event, activeView(Owner, { name: 'active_owner' })]);
  });

  afterAll(() => test.close());

  const examine = () => new SoftDeleteDoctor(test.orm, { largeTable: 1_000 }).examine();

  /** Does what the fix says: its SQL, statement by statement, and then the command that it names. */
  async function follow({ fix }: Finding, { database, orm }: TestOrm = test): Promise<void> {
    const sql = /(?:^|in SQL: )((?:(?:alter|create|drop|reindex|grant) [^;]*; ?)+)/.exec(fix)?.[1] ?? '';
    for (const statement of sql.split(';').filter((part) => part.trim() !== '')) {
      await database.query(statement);
    }
    if (fix.includes('schema:update')) {
      await orm.schema.update();
    } else if (fix.includes('soft-delete purge')) {
      await createPurge(orm).run();
    } else if (sql === '') {
      throw new Error(`Nothing to do in: ${fix}`);
    }
  }

  const invalidate = (index: string) =>
    `update pg_index set indisvalid = false where indexrelid = '${index}'::regclass`;
  const rule = (name: string) =>
    `alter table ${OWNER} drop constraint "Owner of docs_region_id_foreign",
       add constraint "Owner of docs_region_id_foreign" foreign key (region_id) references region on delete ${name}`;
  const nothing = `create or replace function archive.doc_soft_delete_guard_fn() returns trigger language plpgsql
    as $$ begin return old; end $$`;

  it.each<[FindingCode, string, string]>([
    ['table-missing', 'a table is dropped', `drop table event`],
    ['column-missing', 'the column is dropped', `alter table ${OWNER} drop column deleted_at cascade`],
    ['column-type', 'the column is rounded', 'alter table archive.doc alter deleted_at type timestamptz(0)'],
    [
      'column-type',
      'the column of a view has no time zone',
      `drop view active_owner; alter table ${OWNER} alter deleted_at type timestamp;
       create view active_owner as select id from ${OWNER} where deleted_at is null and 'types 0' <> ''`,
    ],
    ['column-not-null', 'the column is not nullable', 'alter table event alter deleted_at set not null'],
    ['column-default', 'the column has a default', 'alter table event alter deleted_at set default now()'],
    ['unique-counts-deleted', 'a constraint is added', `alter table ${OWNER} add constraint "Na me" unique (name)`],
    [
      'unique-counts-deleted',
      'an index is added',
      `create unique index on archive.doc (owner_id) include (deleted_at)`,
    ],
    [
      'unique-counts-deleted',
      'an index on an expression is added',
      `create unique index lower_name on ${OWNER} (lower(name), email) nulls not distinct where id > 0 or id < -5`,
    ],
    [
      'unique-without-effect',
      'a unique constraint contains the timestamp',
      `alter table ${OWNER} add constraint loose unique (name, deleted_at) deferrable`,
    ],
    ['active-unique-missing', 'the index is dropped', 'drop index "Owner of docs_email_unique"'],
    ['active-unique-missing', 'the index is invalid', invalidate('"Owner of docs_email_unique"')],
    ['purge-index-missing', 'the index is dropped', 'drop index archive.doc_deleted_at_id_index'],
    ['purge-index-invalid', 'the index is invalid', invalidate('archive.doc_deleted_at_id_index')],
    ['foreign-key-not-indexed', 'the index is dropped', 'drop index archive.doc_owner_id_index'],
    ['foreign-key-not-indexed', 'the index is invalid', invalidate('archive.doc_owner_id_index')],
    [
      'foreign-key-not-indexed',
      'the index is a BRIN',
      `drop index archive.doc_owner_id_index; create index on archive.doc using brin (owner_id)`,
    ],
    [
      'foreign-key-not-indexed',
      'the index leaves out rows by an alternative within its condition',
      `drop index archive.doc_owner_id_index;
       create index on archive.doc (owner_id) where owner_id is not null and (id > 5 or (id < 3 and id > 0))`,
    ],
    [
      'unique-counts-deleted',
      'active rows are only one alternative within its condition',
      `create unique index on archive.doc (owner_id) where id > 0 and (deleted_at is null or id > 5)`,
    ],
    [
      'foreign-key-not-indexed',
      'a partitioned table of another schema refers to it',
      `create schema elsewhere; create table elsewhere.part (doc int references archive.doc) partition by list (doc)`,
    ],
    [
      'plain-rows-behind-key',
      'a table of another schema goes along',
      `create table elsewhere.gone (doc int primary key references archive.doc on delete cascade)`,
    ],
    ['hard-deleted-parent', 'the rule of the key is another', rule('cascade')],
    ['hard-deleted-parent', 'the rule of the key is another', rule('set null')],
    ['guard-out-of-date', 'the trigger is dropped', 'drop trigger soft_delete_guard on archive.doc'],
    ['guard-out-of-date', 'the trigger is off', 'alter table archive.doc disable trigger soft_delete_guard'],
    [
      'guard-out-of-date',
      'the trigger fires on replicas only',
      'alter table archive.doc enable replica trigger soft_delete_guard',
    ],
    ['guard-out-of-date', 'the function is another', nothing],
    [
      'guard-out-of-date',
      'the condition is another',
      `drop trigger soft_delete_guard on archive.doc; create trigger soft_delete_guard before delete on archive.doc
         for each row when (false) execute function archive.doc_soft_delete_guard_fn()`,
    ],
    [
      'guard-out-of-date',
      'a trigger is left over',
      `create trigger soft_delete_guard before delete on event for each row execute function archive.doc_soft_delete_guard_fn()`,
    ],
    ['view-out-of-date', 'the view is dropped', 'drop view active_owner'],
    [
      'view-out-of-date',
      'the view is another',
      `drop view active_owner; create view active_owner as select id from ${OWNER}`,
    ],
    [
      'purge-overdue',
      'the purge does not run',
      `insert into ${OWNER} (id, email, name, deleted_at) values (1, 'a', 'b', now() - interval '40 days')`,
    ],
    ['timestamp-not-indexed', 'a table grows', 'insert into event (id) select generate_series(1, 2000); analyze event'],
  ])('mends %s where %s', async (code, _, plant) => {
    await test.database.query(plant);
    const findings = await examine();
    expect(findings.map((finding) => finding.code)).toContain(code);
    for (const finding of findings) {
      await follow(finding);
    }
    expect(await examine()).toEqual([]);
  });

  it('mends the rights of a role that may not read the tables', async () => {
    const role = `reader_${test.database.name}`;
    await test.database.query(`create role ${role} login password 'secret'`);
    const url = new URL(test.database.url);
    url.username = role;
    url.password = 'secret';
    const orm = await MikroORM.init({ clientUrl: url.href, entities: [Region, Owner, Doc, Event] });
    try {
      const findings = await new SoftDeleteDoctor(orm).examine();
      expect(findings.map(({ code, entity }) => `${entity}: ${code}`).sort()).toEqual([
        'Doc: table-not-readable',
        'Event: table-not-readable',
        'Owner: table-not-readable',
      ]);
      for (const finding of findings) {
        await follow(finding);
      }
      expect(await new SoftDeleteDoctor(orm).examine()).toEqual([]);
    } finally {
      await orm.close(true);
      await test.database.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('leaves nothing to find once the entities are written as it says', async () => {
    const faulty = await createTestOrm(FAULTY);
    const orm = await MikroORM.init({ clientUrl: faulty.database.url, entities: MENDED });
    try {
      for (const finding of await new SoftDeleteDoctor(faulty.orm).examine()) {
        if (finding.fix.includes('a statement of your own')) {
          await follow(finding, faulty);
        }
      }
      await orm.schema.update();
      expect(await new SoftDeleteDoctor(orm).examine()).toEqual([]);
    } finally {
      await orm.close(true);
      await faulty.close();
    }
  });
});
