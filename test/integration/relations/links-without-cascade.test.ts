import { defineEntity, p } from '@mikro-orm/postgresql';
import { createPurge, softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const define = (deleteRule: 'no action' | 'restrict' | 'cascade') => {
  const Group = softDeletable(
    defineEntity({
      name: 'Group',
      tableName: 'team',
      properties: {
        id: p.integer().primary(),
        members: () => p.manyToMany(Member).owner().pivotTable('membership').deleteRule(deleteRule),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
    { retention: '1d' },
  );
  const Member = softDeletable(
    defineEntity({
      name: 'Member',
      properties: {
        id: p.integer().primary(),
        groups: () => p.manyToMany(Group).mappedBy('members'),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
    { retention: '1d' },
  );
  return [Group, Member] as const;
};

describe.each(['no action', 'restrict', 'cascade'] as const)('links whose keys say on delete %s', (deleteRule) => {
  const [Group, Member] = define(deleteRule);
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Group, Member]);
    const keys = await test.database.query(
      `select pg_get_constraintdef(oid) as key from pg_constraint where contype = 'f' and conrelid = 'membership'::regclass`,
    );
    expect(keys.map(({ key }) => key.toLowerCase().includes('on delete cascade'))).toEqual(
      [1, 2].map(() => deleteRule === 'cascade'),
    );
  });
  beforeEach(() =>
    test.database.query(`
      truncate team, member cascade;
      insert into team select n from generate_series(1, 2) as n;
      insert into member select n from generate_series(1, 2) as n;
      insert into membership (group_id, member_id) values (1, 1), (1, 2), (2, 1), (2, 2)`),
  );
  afterAll(() => test.close());

  const repository = (entity: typeof Group | typeof Member) =>
    test.orm.em.fork().getRepository(entity as typeof Group) as unknown as SoftDeleteRepository<any>;
  const links = async () =>
    (await test.database.query('select group_id, member_id from membership order by 1, 2')).map((row) =>
      Object.values(row).join(' '),
    );

  it('go with the rows that are removed for good, from either side', async () => {
    await expect(repository(Group).hardDelete(1)).resolves.toBe(1);
    expect(await links()).toEqual(['2 1', '2 2']);
    await expect(repository(Member).hardDelete([2])).resolves.toBe(1);
    expect(await links()).toEqual(['2 1']);
    expect(await test.database.query('select id from team union all select id + 10 from member order by 1')).toEqual([
      { id: 2 },
      { id: 11 },
    ]);
  });

  it('are no restriction of a removal that is tried', async () => {
    await expect(repository(Group).hardDelete({}, { dryRun: true })).resolves.toMatchObject({ restrictions: [] });
    expect(await links()).toHaveLength(4);
  });

  it('go with the rows that are purged', async () => {
    await repository(Group).softDelete(2);
    await repository(Member).softDelete(1);
    expect(await links()).toHaveLength(4);
    await test.database.query(`update team set deleted_at = now() - interval '2 days' where deleted_at is not null;
      update member set deleted_at = now() - interval '2 days' where deleted_at is not null`);
    await expect(createPurge(test.orm, { brake: false }).run()).resolves.toMatchObject({ total: 2 });
    expect(await links()).toEqual(['1 2']);
  });
});

describe('links that have an entity, of which the database takes those of one side along', () => {
  const Course = softDeletable(
    defineEntity({
      name: 'Course',
      properties: {
        id: p.integer().primary(),
        pupils: () =>
          p
            .manyToMany(Pupil)
            .owner()
            .pivotEntity(() => Enrolment),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
  );
  const Pupil = softDeletable(
    defineEntity({
      name: 'Pupil',
      properties: {
        id: p.integer().primary(),
        courses: () => p.manyToMany(Course).mappedBy('pupils'),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
  );
  const Enrolment = defineEntity({
    name: 'Enrolment',
    properties: {
      course: () => p.manyToOne(Course).primary().deleteRule('cascade'),
      pupil: () => p.manyToOne(Pupil).primary().deleteRule('no action'),
    },
  });
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Course, Pupil, Enrolment]);
  });
  beforeEach(() =>
    test.database.query(`
      truncate course, pupil cascade;
      insert into course select n from generate_series(1, 2) as n;
      insert into pupil select n from generate_series(1, 2) as n;
      insert into enrolment (course_id, pupil_id) values (1, 1), (1, 2), (2, 1), (2, 2)`),
  );
  afterAll(() => test.close());

  it.each([
    ['the side whose key cascades', Course, '2 1, 2 2'],
    ['the side whose key does not', Pupil, '1 2, 2 2'],
  ])('go with the rows of %s', async (_what, entity, left) => {
    const repository = test.orm.em
      .fork()
      .getRepository(entity as typeof Course) as unknown as SoftDeleteRepository<any>;
    await expect(repository.hardDelete(1)).resolves.toBe(1);
    const [row] = await test.database.query(
      `select string_agg(course_id || ' ' || pupil_id, ', ' order by course_id, pupil_id) as links from enrolment`,
    );
    expect(row.links).toBe(left);
  });
});
