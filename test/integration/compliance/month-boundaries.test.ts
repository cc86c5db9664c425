import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, SoftDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  complianceTablesSql,
  createCompliance,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { rewriteArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData<Visitor>({ subject: true, fields: { name: null } })
@SoftDeletable({ strategy: 'archive', retention: '40d' })
@Entity()
class Visitor {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  name?: string | null;
}

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', 'Pacific/Kiritimati'];

/** When somebody asks, and a month later. */
const MONTHS: [string, string][] = [
  ...[28, 29, 30, 31].map((day): [string, string] => [`2025-01-${day}T10:00:00.000Z`, '2025-02-28T10:00:00.000Z']),
  ...[28, 29, 30, 31].map((day): [string, string] => [
    `2024-01-${day}T10:00:00.000Z`,
    `2024-02-${Math.min(day, 29)}T10:00:00.000Z`,
  ]),
  ['2000-01-31T10:00:00.000Z', '2000-02-29T10:00:00.000Z'],
  ['1900-01-29T10:00:00.000Z', '1900-02-28T10:00:00.000Z'],
  ['2024-02-29T10:00:00.000Z', '2024-03-29T10:00:00.000Z'],
  ['2025-05-31T10:00:00.000Z', '2025-06-30T10:00:00.000Z'],
  ['2025-12-31T10:00:00.000Z', '2026-01-31T10:00:00.000Z'],
  ['2025-11-30T23:59:59.999Z', '2025-12-30T23:59:59.999Z'],
  // Another day in other time zones, and changes to summer time and back.
  ['2025-01-31T23:30:00.000Z', '2025-02-28T23:30:00.000Z'],
  ['2025-02-28T23:30:00.000Z', '2025-03-28T23:30:00.000Z'],
  ['2025-03-01T00:30:00.000Z', '2025-04-01T00:30:00.000Z'],
  ['2025-02-28T01:30:00.000Z', '2025-03-28T01:30:00.000Z'],
  ['2025-09-26T00:30:00.000Z', '2025-10-26T00:30:00.000Z'],
  ['2025-10-26T01:30:00.000Z', '2025-11-26T01:30:00.000Z'],
];

describe('the ends of months', () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm(
      [Visitor, ...complianceEntities()],
      { extensions: [softDelete({ log: { retention: '40d' } })] },
      false,
    );
  });
  afterEach(() => test.close());

  const partition = async (session = '') => {
    for (const sql of complianceTablesSql({ partition: 'month' })) {
      await test.database.query(`${session}; ${sql}; reset timezone`);
    }
  };
  const partOf = async (table: string) =>
    (await test.database.query(`select tableoid::regclass::text as part from ${table} order by 1`)).map(
      ({ part }) => part as string,
    );

  it('are those of the calendar in UTC for deadlines, whatever the time zone of the session', async () => {
    const { erasures } = createCompliance(test.orm);
    await test.database.query(`insert into visitor values (1, 'Ada')`);
    for (const [asked, due] of MONTHS) {
      for (const zone of ZONES) {
        await test.orm.em.fork().transactional(async (em) => {
          await em.execute(`set local timezone = '${zone}'`);
          const requestedAt = new Date(asked);
          // Months of the calendar are a Duration for nobody but JavaScript.
          const erasure = await erasures.request(Visitor, 1, { requestedAt, after: '1 month' as never });
          const times = { dueAt: erasure.dueAt.toISOString(), notBefore: erasure.notBefore!.toISOString() };
          expect({ asked, zone, ...times }).toEqual({ asked, zone, dueAt: due, notBefore: due });
          await erasures.withdraw(erasure.id);
        });
      }
    }
  });

  it.each(ZONES)('are those of UTC for partitions that a session in %s makes', async (zone) => {
    const [{ months }] = (await test.database.query(
      `select array(select to_char(date_trunc('month', now() at time zone 'UTC') + interval '1 month' * n, 'YYYY-MM') from generate_series(0, 2) as n) as months`,
    )) as [{ months: string[] }];
    await partition(`set timezone = '${zone}'`);
    await partition(`set timezone = 'Pacific/Apia'`);
    const name = (month: string) => `deletion_record_${month.replace('-', '_')}`;
    const [before, first, second] = months as [string, string, string];
    const records = [`${first}-01 00:00:00+00`, `${second}-01 00:00:00+00`].flatMap((at) => [
      `(timestamptz '${at}', 'deleted', 'A', 1)`,
      `(timestamptz '${at}' - interval '1 microsecond', 'deleted', 'B', 1)`,
    ]);
    await test.database.query(`insert into deletion_record (at, action, entity, count) values ${records.join(', ')}`);
    expect(await partOf('deletion_record')).toEqual([before, first, first, second].map(name));
  });

  it('matter to nobody who reads: rows of a month without a partition are found, erased and moved to it', async () => {
    await partition();
    const months = await test.database.query(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent in ('deletion_record'::regclass, 'deletion_archive'::regclass)
       and inhrelid::regclass::text !~ 'default'`,
    );
    for (const { name } of months) {
      await test.database.query(`drop table ${name}`);
    }
    await test.database.query(`insert into visitor values (1, 'Ada Lovelace'), (2, 'Bob')`);
    const repo: any = test.orm.em.fork().getRepository(Visitor);
    await repo.softDelete([1, 2]);
    expect(await partOf('deletion_archive')).toEqual(['deletion_archive_default', 'deletion_archive_default']);
    const { log, erasures } = createCompliance(test.orm);
    const before = await log.of(Visitor, 1);
    expect(before.map(({ action }) => action)).toEqual(['archived']);

    await partition();
    expect(await log.of(Visitor, 1)).toEqual(before);
    expect((await partOf('deletion_archive')).every((part) => /_\d{4}_\d\d$/.test(part))).toBe(true);
    expect(await erasures.erase(Visitor, 1)).toMatchObject({ outcome: 'completed' });
    await repo.restore({});
    expect(await test.database.query('select * from visitor order by id')).toEqual([
      { id: 1, name: null },
      { id: 2, name: 'Bob' },
    ]);
  });

  it.each([
    ['ISO, YMD', 'UTC'],
    ['SQL, DMY', 'Europe/Berlin'],
    ['German', 'America/Sao_Paulo'],
    ['Postgres, MDY', 'Asia/Kathmandu'],
  ])(
    'keep a month that a retention cuts in two, and drop those before, in a session with DateStyle %s in %s',
    async (style, zone) => {
      await test.database.query(`
        insert into deletion_record (at, action, entity, count) select now() - interval '1 day' * n, 'deleted', 'Gone', n from generate_series(0, 150) as n;
        insert into visitor select n, 'Ada' from generate_series(1, 150) as n`);
      await (test.orm.em.fork().getRepository(Visitor) as any).softDelete({});
      await rewriteArchive(test.database, `now() - interval '1 day' * cast(key as int) as unit`);
      await partition();
      const { name } = test.database;
      await test.database.query(
        `alter database ${name} set datestyle = '${style}'; alter database ${name} set timezone = '${zone}'`,
      );
      const sent: string[] = [];
      const orm = await MikroORM.init({
        clientUrl: test.database.url,
        entities: [Visitor, ...complianceEntities()],
        extensions: [softDelete({ log: { retention: '40d' } })],
        debug: ['query'],
        logger: (message) => sent.push(message),
      });
      try {
        expect((await createPurge(orm, { pauseBetweenBatches: 0, brake: false } as never).run()).total).toBe(111);
      } finally {
        await orm.close(true);
      }
      const left = await test.database.query(
        `select count(*)::int as count, max(cast(key as int)) as oldest from deletion_archive`,
      );
      expect(left).toEqual([{ count: 39, oldest: 39 }]);
      const ages = await test.database.query(
        `select count(*)::int as count, max(count)::int as oldest from deletion_record where entity = 'Gone'`,
      );
      expect(ages).toEqual([{ count: 40, oldest: 39 }]);
      // At least two months before the one that is cut.
      expect(
        sent.filter((sql) => sql.includes('drop table') && sql.includes('deletion_record')).length,
      ).toBeGreaterThan(1);
      expect(
        sent.filter((sql) => sql.includes('drop table') && sql.includes('deletion_archive')).length,
      ).toBeGreaterThan(1);
    },
  );
});
