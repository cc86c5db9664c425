import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM, type Rel } from '@mikro-orm/postgresql';
import {
  type Finding,
  type FindingCode,
  SoftDeletable,
  softDelete,
  SoftDeletableEntity,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  complianceTablesSql,
  createCompliance,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData<Person>({ subject: true, fields: { name: null } })
@SoftDeletable({ retention: '1y' })
@Entity({ tableName: 'person' })
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  name?: string | null;

  @Property({ type: 'string', nullable: true })
  phone?: string | null;
}

@Entity({ tableName: 'letter' })
class Letter {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { index: true })
  person!: Rel<Person>;
}

@PersonalData<Broken>({ of: 'persom' as never })
@Entity({ tableName: 'broken' })
class Broken {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { index: true })
  person!: Rel<Person>;
}

const OURS: readonly FindingCode[] = [
  'hold-to-review',
  'records-changeable',
  'records-truncatable',
  'records-owned',
  'partition-missing',
  'personal-data-undeclared',
  'invalid-mark',
];

describe(`${SoftDeleteDoctor.name} on records, holds and personal data`, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Person, Letter, ...complianceEntities()], { extensions: [softDelete()] }, false);
    for (const sql of complianceTablesSql()) {
      await test.database.query(sql);
    }
  });
  afterAll(() => test.close());

  const examine = async (
    orm = test.orm,
    without: readonly FindingCode[] = ['records-owned', 'personal-data-undeclared'],
  ) => (await new SoftDeleteDoctor(orm).examine()).filter(({ code }) => OURS.includes(code) && !without.includes(code));
  const about = (code: FindingCode, entity: string, problem: string, fix: string): Finding =>
    expect.objectContaining({
      code,
      entity,
      problem: expect.stringContaining(problem),
      fix: expect.stringContaining(fix),
    }) as unknown as Finding;

  it('finds nothing where everything is as it should be', async () => {
    expect(await examine()).toEqual([]);
  });

  it('finds holds that nobody has looked at again, until they are released', async () => {
    await test.database.query('insert into person (id) values (1)');
    const { holds } = createCompliance(test.orm);
    const place = (name: string, reviewAt?: Date) => holds.place({ name, reason: 'x', on: [[Person, 1]], reviewAt });
    await place('later', new Date('2999-01-01'));
    await place('open');
    const { id } = await place('Dispute 7', new Date('2024-05-03'));
    expect(await examine()).toEqual([
      about(
        'hold-to-review',
        'LegalHold',
        `The legal hold ${id}, "Dispute 7", was due for review on 2024-05-03`,
        `hold release ${id}`,
      ),
    ]);
    await holds.release(id, { reason: 'over' });
    expect(await examine()).toEqual([]);
  });

  it.each([
    ['deletion_record', 'deletion_record_append_only', 'DeletionRecord'],
    ['legal_hold', 'legal_hold_release_only', 'LegalHoldRecord'],
    ['legal_hold_row', 'legal_hold_row_append_only', 'LegalHoldRow'],
    ['deletion_archive', 'deletion_archive_keep_rows', 'DeletionArchive'],
    ['deletion_archive', 'deletion_archive_keep_values', 'DeletionArchive'],
  ])('finds what %s may be changed by, and its fix mends it', async (table, trigger, entity) => {
    await test.database.query(`alter table ${table} disable trigger ${trigger}`);
    const [disabled, ...none] = await examine();
    expect(none).toEqual([]);
    expect(disabled).toEqual(
      about('records-changeable', entity, `The trigger ${trigger} of "${table}" is disabled`, 'enable trigger'),
    );
    await test.database.query(disabled!.fix);
    expect(await examine()).toEqual([]);

    await test.database.query(
      `create or replace function ${table}_${trigger}_fn() returns trigger as $$ begin return new; end; $$ language plpgsql`,
    );
    expect(await examine()).toEqual([
      about('records-changeable', entity, 'is not the one of this version', 'schema:update'),
    ]);
    await test.database.query(`drop trigger ${trigger} on ${table}`);
    expect(await examine()).toEqual([
      about('records-changeable', entity, `has no trigger ${trigger}`, 'schema:update'),
    ]);
    await test.database.query(await test.orm.schema.getUpdateSchemaSQL());
    expect(await examine()).toEqual([]);
  });

  it('finds a trigger that has another condition than it should, or one that it should not', async () => {
    const replace = (table: string, trigger: string, events: string, condition: string) =>
      test.database.query(`create or replace trigger ${trigger} before ${events} on ${table} for each row
        ${condition} execute function ${table}_${trigger}_fn()`);
    for (const condition of ['', `when (old.entity <> 'Person')`]) {
      await replace('deletion_archive', 'deletion_archive_keep_rows', 'delete', condition);
      expect(await examine()).toEqual([
        about('records-changeable', 'DeletionArchive', 'is not the one of this version', 'schema:update'),
      ]);
    }
    const allowed = `current_setting('soft_delete.archive_removal', true) is distinct from 'allowed'`;
    await replace('deletion_archive', 'deletion_archive_keep_rows', 'delete', `when (${allowed})`);
    await replace('legal_hold_row', 'legal_hold_row_append_only', 'update or delete', 'when (old.hold > 7)');
    expect(await examine()).toEqual([
      about('records-changeable', 'LegalHoldRow', 'is not the one of this version', 'schema:update'),
    ]);
    await replace('legal_hold_row', 'legal_hold_row_append_only', 'update or delete', '');
    expect(await examine()).toEqual([]);
  });

  it('finds what TRUNCATE empties, partitions included, and months without a partition', async () => {
    const mend = async (options: Parameters<typeof complianceTablesSql>[0] = {}) => {
      for (const sql of complianceTablesSql(options)) {
        await test.database.query(sql);
      }
    };
    await test.database.query('drop trigger legal_hold_no_truncate on legal_hold');
    expect(await examine()).toEqual([
      about('records-truncatable', 'LegalHoldRecord', 'TRUNCATE empties legal_hold:', 'complianceTablesSql()'),
    ]);
    await mend({ partition: 'month' });
    expect(await examine()).toEqual([]);
    const [{ next }] = await test.database.query(
      `select to_char(now() at time zone 'UTC' + interval '1 month', 'YYYY_MM') as next`,
    );
    await test.database.query(
      `drop trigger deletion_record_no_truncate on deletion_record_default; drop table deletion_record_${next}; drop table deletion_archive_${next};
       drop trigger deletion_archive_no_truncate on deletion_archive_default`,
    );
    expect(await examine()).toEqual([
      about('partition-missing', 'DeletionArchive', 'deletion_archive', 'soft-delete archive partitions'),
      about(
        'records-truncatable',
        'DeletionArchive',
        'TRUNCATE empties deletion_archive_default:',
        'complianceTablesSql()',
      ),
      about(
        'partition-missing',
        'DeletionRecord',
        `no partition for ${next.replace('_', '-')}`,
        'soft-delete archive partitions',
      ),
      about(
        'records-truncatable',
        'DeletionRecord',
        'TRUNCATE empties deletion_record_default:',
        'complianceTablesSql()',
      ),
    ]);
    await mend({ partition: 'month' });
    expect(await examine()).toEqual([]);
  });

  it('finds a trigger that is disabled in a partition alone, and its fix mends it', async () => {
    for (const [table, trigger, entity] of [
      ['deletion_archive', 'deletion_archive_keep_rows', 'DeletionArchive'],
      ['deletion_record', 'deletion_record_append_only', 'DeletionRecord'],
    ]) {
      await test.database.query(`alter table ${table}_default disable trigger ${trigger}`);
      const findings = await examine();
      expect(findings).toEqual([
        about('records-changeable', entity!, `${trigger} of the partition ${table}_default is disabled`, 'enable'),
      ]);
      await test.database.query(findings[0]!.fix);
      await test.database.query(`alter table ${table} disable trigger ${trigger}`);
      expect(await examine()).toEqual([about('records-changeable', entity!, 'is disabled', 'enable trigger')]);
      await test.database.query(`alter table ${table} enable trigger ${trigger}`);
      expect(await examine()).toEqual([]);
    }
  });

  it('says which tables the role of the connection may take apart', async () => {
    expect(
      (await examine(test.orm, ['personal-data-undeclared'])).map(({ code, severity, entity }) => [
        code,
        severity,
        entity,
      ]),
    ).toEqual(
      ['DeletionArchive', 'DeletionRecord', 'ErasureRecord', 'LegalHoldRecord', 'LegalHoldRow'].map((entity) => [
        'records-owned',
        'info',
        entity,
      ]),
    );
    const role = `${test.database.name}_app`;
    await test.database.query(
      `create role ${role} login password 'app'; grant select, insert on all tables in schema public to ${role}`,
    );
    const url = new URL(test.database.url);
    [url.username, url.password] = [role, 'app'];
    const other = await MikroORM.init({
      clientUrl: url.toString(),
      entities: [Person, Letter, ...complianceEntities()],
    });
    expect(await examine(other, ['personal-data-undeclared'])).toEqual([]);
    await other.close(true);
    await test.database.query(`drop owned by ${role}; drop role ${role}`);
  });

  it('finds what an erasure would be refused for, and declarations that cannot work', async () => {
    expect(await examine(test.orm, ['records-owned'])).toEqual([
      about('personal-data-undeclared', 'Letter', 'has a key to a person', '@NoPersonalData()'),
      about('personal-data-undeclared', 'Person', 'does not declare whether phone is personal', 'List phone'),
    ]);
    const other = await MikroORM.init({ clientUrl: test.database.url, entities: [Person, Letter, Broken] });
    expect(await examine(other)).toEqual([
      about('invalid-mark', 'Broken', 'A declaration of personal data cannot work', ''),
    ]);
    await other.close(true);
  });

  it('asks nothing more of an ORM without tables for records', async () => {
    const other = await createTestOrm([Person]);
    other.statements.length = 0;
    await new SoftDeleteDoctor(other.orm).examine();
    const { length } = other.statements;
    test.statements.length = 0;
    await new SoftDeleteDoctor(test.orm).examine();
    expect(test.statements).toHaveLength(length + 2);
    await other.close();
  });
});
