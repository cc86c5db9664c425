import { Collection, PrimaryKeyProp, type Rel, types } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteEvent,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const RETENTION = '30d';

/** One family of entities per type of key: a row with rows behind it whose key contains its own. */
function family(name: string, column: object, literals: readonly string[], inMemory: (settings: object) => boolean) {
  @SoftDeletable<any>({ retention: RETENTION, relations: { children: 'cascade' } })
  @Entity({ tableName: `${name}_root`, repository: () => SoftDeleteRepository })
  class Root extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @Property({ type: 'string' })
    label!: string;

    @OneToMany(() => Child, (child: Child) => child.root)
    children = new Collection<Child>(this);
  }

  @SoftDeletable({ retention: RETENTION })
  @Entity({ tableName: `${name}_child`, repository: () => SoftDeleteRepository })
  class Child extends SoftDeletableEntity {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'string' })
    part!: string;
  }

  return { name, Root: Root as any, Child: Child as any, literals, inMemory };
}

const always = () => true;
const never = () => false;
const whereDatesAreIso = (settings: object) => !('DateStyle' in settings);

/** Keys that only their exact text leads back to, and whether what the ORM itself holds for them leads back to their rows. */
const FAMILIES = [
  family('bytes', { type: types.blob }, [`'\\x00ff5c22'`, `'\\x00ff5c23'`], always),
  family(
    'moment',
    { type: 'datetime', columnType: 'timestamptz(6)' },
    [`'2026-02-01 03:04:05.123456+00'`, `'2026-02-01 03:04:05.123457+00'`],
    never,
  ),
  family(
    'second',
    { type: 'datetime', columnType: 'timestamptz(3)' },
    [`'2026-02-01 03:04:05.123+00'`, `'2026-02-01 03:04:06.123+00'`],
    whereDatesAreIso,
  ),
  family(
    'local',
    { type: 'datetime', columnType: 'timestamp(6)' },
    [`'2026-02-01 03:04:05.123456'`, `'2026-02-01 03:04:05.123457'`],
    never,
  ),
  family('day', { type: 'date' }, [`'2026-02-01'`, `'2026-01-02'`], always),
  family(
    'numeric',
    { type: types.decimal, columnType: 'numeric(30, 20)' },
    ['0.10000000000000000001', '0.10000000000000000002'],
    always,
  ),
  family(
    'double',
    { type: 'double' },
    ['0.1::float8 + 0.2::float8', '0.3::float8'],
    (settings) => !('extra_float_digits' in settings),
  ),
  family('real', { type: 'float', columnType: 'real' }, ['0.3::real', '0.30000004::real'], never),
  family('span', { type: 'interval' }, [`'-1 month 1 day 02:03:04.123456'`, `'1 month -1 day 02:03:04.123456'`], never),
];

const SETTINGS = {
  'dates in a national order': { DateStyle: 'SQL,DMY' },
  'dates as in Germany': { DateStyle: 'German,DMY' },
  // Whose abbreviation stands for another time zone where PostgreSQL reads it.
  'a time zone with an ambiguous name': { DateStyle: 'SQL,MDY', TimeZone: 'Asia/Kolkata' },
  'bytes as escapes': { bytea_output: 'escape' },
  'a time zone at a quarter past': { TimeZone: 'Asia/Kathmandu' },
  'fewer digits than a number has': { extra_float_digits: '-15' },
  'intervals as in the standard': { IntervalStyle: 'sql_standard' },
  'all of these': {
    DateStyle: 'SQL,DMY',
    bytea_output: 'escape',
    TimeZone: 'Asia/Kathmandu',
    extra_float_digits: '-15',
    IntervalStyle: 'sql_standard',
  },
};

describe.each(Object.entries(SETTINGS))('sessions with %s', (_title, settings) => {
  let test: TestOrm;

  beforeAll(async () => {
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
    test = await createTestOrm(
      FAMILIES.flatMap(({ Root, Child }) => [Root, Child]),
      { driverOptions: { options: options.join(' ') } },
    );
    for (const [name, value] of Object.entries(settings)) {
      expect((await test.orm.em.execute(`show ${name}`))[0]).toEqual({ [name]: value.replace(',', ', ') });
    }
  });
  afterAll(() => test.close());

  describe.each(FAMILIES)('and keys of the type $name', ({ name, Root, Child, literals, inMemory }) => {
    const whereMemoryCounts = inMemory(settings) ? it : () => undefined;

    const state = async () => {
      const rows = await test.database.query(
        `select label, null as part, deleted_at::text as time, tableoid::text from ${name}_root
         union all select r.label, c.part, c.deleted_at::text, c.tableoid::text
         from ${name}_child as c join ${name}_root as r on r.id = c.root_id order by 1, 2 nulls first`,
      );
      return Object.fromEntries(rows.map(({ label, part, time }) => [`${label}${part ?? ''}`, time as string | null]));
    };
    const active = async () =>
      Object.entries(await state())
        .filter(([, time]) => time === null)
        .map(([row]) => row);
    let em: any;
    let repo: any;

    beforeEach(async () => {
      await test.database.query(`
        delete from ${name}_child; delete from ${name}_root;
        insert into ${name}_root (id, label) values (${literals[0]}, 'x'), (${literals[1]}, 'y');
        insert into ${name}_child (root_id, part) select id, part from ${name}_root, unnest(array['a', 'b']) as part`);
      em = test.orm.em.fork();
      repo = em.getRepository(Root);
    });

    it('deletes and restores a unit to the microsecond', async () => {
      expect(await repo.softDelete({ label: 'x' })).toMatchObject({ total: 3 });
      const deleted = await state();
      expect(new Set([deleted['x'], deleted['xa'], deleted['xb']]).size).toBe(1);
      expect([deleted['y'], deleted['ya'], deleted['yb']]).toEqual([null, null, null]);
      await test.database.query(
        `update ${name}_child set deleted_at = deleted_at + interval '1 microsecond' where part = 'b' and deleted_at is not null`,
      );

      expect(await repo.restore({ label: 'x' })).toMatchObject({ total: 2 });
      expect(await active()).toEqual(['x', 'xa', 'y', 'ya', 'yb']);
    });

    it('restores parents along', async () => {
      await repo.softDelete({});
      expect(await active()).toEqual([]);
      expect(
        await em.getRepository(Child).restore({ part: 'a', root: { label: 'x' } }, { withParents: true }),
      ).toMatchObject({ total: 2 });
      expect(await active()).toEqual(['x', 'xa']);
    });

    it('removes rows for good', async () => {
      await repo.softDelete({ label: 'x' });
      expect(await repo.hardDelete({ label: 'x' })).toBe(3);
      expect(await active()).toEqual(['y', 'ya', 'yb']);
    });

    it('purges what is due', async () => {
      await test.database.query(`
        update ${name}_root set deleted_at = now() - interval '30 days 1 hour' where label = 'x';
        update ${name}_child set deleted_at = now() - interval '30 days 1 hour'
          where root_id = (select id from ${name}_root where label = 'x');
        update ${name}_root set deleted_at = now() - interval '29 days 23 hours' where label = 'y';
        update ${name}_child set deleted_at = now() - interval '31 days' where part = 'b'`);
      const report = await createPurge(test.orm).run({ entities: [Root, Child] as never });
      expect(report.total).toBe(4);
      expect(Object.keys(await state())).toEqual(['y', 'ya']);
    });

    whereMemoryCounts('tells loaded entities of a deletion and a restoration', async () => {
      const [x, y]: any[] = await em.find(Root, {}, { orderBy: { label: 'asc' } });
      await repo.softDelete({ label: 'x' });
      expect([x.deletedAt, y.deletedAt]).toEqual([expect.any(Date), null]);
      await repo.restore({ label: 'x' });
      expect([x.deletedAt, y.deletedAt]).toEqual([null, null]);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    whereMemoryCounts('deletes through the unit of work', async () => {
      const x: any = await em.findOneOrFail(Root, { label: 'x' });
      const events: SoftDeleteEvent[] = [];
      const subscription = getInstallation(test.orm.em).events.stream$.subscribe((event) => events.push(event));
      em.remove(x);
      await em.flush();
      subscription.unsubscribe();
      expect(events).toMatchObject([
        { entity: 'Root', count: 1, keys: [x.id] },
        { entity: 'Child', count: 2 },
      ]);
      expect(await active()).toEqual(['y', 'ya', 'yb']);
      const deleted = await state();
      expect(new Set([deleted['x'], deleted['xa'], deleted['xb']]).size).toBe(1);
      expect(x.deletedAt.toISOString()).toBe(
        new Date(`${deleted['x']!.replace(' ', 'T').slice(0, 23)}Z`).toISOString(),
      );
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });
  });
});
