import { Collection, PrimaryKeyProp, type Rel, raw } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ discriminatorColumn: 'kind', discriminatorValue: 'animal' })
class Animal extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'string' })
  name!: string;
}

@Entity({ discriminatorValue: 'cat' })
class Cat extends Animal {
  @OneToMany(() => Dog, (dog) => dog.chases)
  chasedBy = new Collection<Dog>(this);
}

@Entity({ discriminatorValue: 'dog' })
class Dog extends Animal {
  @ManyToOne(() => Cat, { nullable: true })
  chases?: Rel<Cat> | null;
}

@Entity({ discriminatorValue: 'puppy' })
class Puppy extends Dog {}

@SoftDeletable()
@Entity({ inheritance: 'tpt', tableName: 'all assets' })
class Asset extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@Entity()
class Machine extends Asset {
  @Property({ type: 'string' })
  model!: string;
}

@Entity()
class Robot extends Machine {
  @Property({ type: 'number' })
  arms!: number;
}

@SoftDeletable()
@Entity({ schema: 'other', tableName: 'All Seats' })
class Seat extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['line', 'place'];

  @PrimaryKey({ type: 'string' })
  line!: string;

  @PrimaryKey({ type: 'number', fieldName: 'spot' })
  place!: number;

  @Property({ type: 'json', nullable: true })
  note?: { colour: string } | null;

  @Property({ type: 'string[]', nullable: true })
  tags?: string[] | null;
}

const CASES: [string, new () => any, any][] = [
  ['every row of the root of a hierarchy', Animal, {}],
  ['every row of a class', Cat, {}],
  ['every row of a class with a class below it', Dog, {}],
  ['every row of the lowest class', Puppy, {}],
  ['a key of another class', Cat, [1, 2, 3, 4, 5, 6, 7, 8]],
  ['a condition on a class', Dog, { name: { $like: '%0' } }],
  ['either of two on a class', Dog, { $or: [{ name: 'cat 1' }, { name: 'dog 2' }] }],
  ['a relation of a class', Dog, { chases: { name: 'cat 2' } }],
  ['a relation to many of a class', Cat, { chasedBy: { $some: { name: 'dog 2' } } }],
  ['raw SQL', Animal, { [raw((alias) => `length(${alias}.name)`)]: 5 }],
  ['every row of a table-per-type hierarchy', Asset, {}],
  ['every row of a class with a table of its own', Machine, {}],
  ['every row of the lowest table', Robot, {}],
  ['a column of the root', Robot, { name: { $ne: 'robot 1' } }],
  ['a column of the class', Machine, { model: 'y' }],
  ['columns of all of its tables', Robot, { $or: [{ model: 'y' }, { arms: 3 }, { name: 'robot 3' }] }],
  ['every row with a composite key', Seat, {}],
  ['a part of a composite key', Seat, { place: 2 }],
  [
    'composite keys',
    Seat,
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  ['a json property', Seat, { note: { colour: 'red' } }],
  ['an array', Seat, { tags: { $contains: ['x'] } }],
  ['a negation', Seat, { $not: { line: 'a' } }],
];

describe('targets', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Animal, Cat, Dog, Puppy, Asset, Machine, Robot, Seat]);
  });

  beforeEach(async () => {
    await test.database.query(`
      truncate animal, "all assets", machine, robot, other."All Seats";
      insert into animal (id, kind, name, deleted_at) select i, kind, kind || ' ' || (i - 1) / 4, d
      from (values (1, 'cat', null), (2, 'dog', null), (3, 'animal', null), (4, 'puppy', null), (5, 'cat', '2020-01-01'::timestamptz),
        (6, 'dog', '2020-01-02'), (7, 'animal', '2020-01-03'), (8, 'puppy', '2020-01-04'), (9, 'cat', null), (10, 'dog', null),
        (11, 'dog', '2020-01-05'), (12, 'puppy', null)) as v (i, kind, d);
      update animal set chases_id = 9 where id in (2, 6, 8); update animal set chases_id = 1 where id in (10, 12);
      insert into "all assets" (id, name, deleted_at) select i,
        case when i > 6 then 'robot ' || (i - 6) when i > 3 then 'machine ' else 'asset ' end,
        case i % 3 when 0 then '2021-01-01'::timestamptz + i * interval '1 day' end from generate_series(1, 12) as i;
      insert into machine (id, model) select i, case when i % 4 < 2 then 'x' else 'y' end from generate_series(4, 12) as i;
      insert into robot (id, arms) select i, i % 4 from generate_series(7, 12) as i;
      insert into other."All Seats" (line, spot, deleted_at, note, tags) select l, i,
        case when i = 3 or (l = 'a' and i = 2) then '2022-01-01'::timestamptz + i * interval '1 day' end,
        jsonb_build_object('colour', case when l = 'a' then 'red' else 'blue' end), case when i > 1 then '{x,y}'::text[] end
      from unnest('{a,b}'::text[]) as l, generate_series(1, 3) as i`);
  });

  afterAll(() => test.close());

  const repository = (entity: new () => any) => new SoftDeleteRepository<any>(test.orm.em.fork(), entity);
  const keyOf = (row: any) => String(row.id ?? `${row.line} ${row.place}`);
  const rows = async (state: string) =>
    (
      await test.database.query(`
        select id::text as key, deleted_at, 'Animal' as of from animal
        union all select id::text, deleted_at, 'Asset' from "all assets"
        union all select line || ' ' || spot, deleted_at, 'Seat' from other."All Seats"`)
    )
      .filter(({ deleted_at: time }) => state === 'all' || (time !== null) === (state === 'deleted'))
      .map(({ key, of }) => `${of} ${key}`)
      .sort();
  const root = (entity: new () => any) => test.orm.getMetadata().get(entity).root.className;
  const found = async (entity: new () => any, scope: 'active' | 'with' | 'only', target: any) => {
    const meta = test.orm.getMetadata().get(entity);
    const where = !Array.isArray(target)
      ? target
      : meta.compositePK
        ? { $or: target.map((key: any[]) => ({ line: key[0], place: key[1] })) }
        : { id: target };
    return (await repository(entity).scope(scope).find(where)).map((row) => `${root(entity)} ${keyOf(row)}`).sort();
  };
  const without = (some: string[], others: string[]) => some.filter((row) => !others.includes(row));

  it.each(CASES)('are soft-deleted as find() finds them: %s', async (_name, entity, target) => {
    const expected = await found(entity, 'active', target);
    expect(expected.length).toBeGreaterThan(0);
    const before = await rows('deleted');
    await repository(entity).softDelete(target);
    expect(without(await rows('deleted'), before)).toEqual(expected);
  });

  it.each(CASES)('are restored as onlyDeleted() finds them: %s', async (_name, entity, target) => {
    const expected = await found(entity, 'only', target);
    const before = await rows('deleted');
    await repository(entity).restore(target);
    expect(without(before, await rows('deleted'))).toEqual(expected);
  });

  // What is asked for by what refers to it cannot be removed.
  const removable = CASES.filter(([name]) => name !== 'a relation to many of a class');

  it.each(removable)('are removed as withDeleted() finds them: %s', async (_name, entity, target) => {
    if (entity !== Dog) {
      await test.database.query('update animal set chases_id = null');
    }
    const expected = await found(entity, 'with', target);
    const before = await rows('all');
    await repository(entity).hardDelete(target);
    expect(without(before, await rows('all'))).toEqual(expected);
  });
});
