import type { EntityManager, Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteDoctor,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '1d', purgeIndex: false })
@Entity({ tableName: 'seen_person' })
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@Entity()
class Pet extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  /** Its key is in the database, and no relation of the ORM. */
  @Property({ type: 'number', nullable: true })
  personId?: number | null;

  @ManyToOne(() => Person, { nullable: true, createForeignKeyConstraint: false })
  keeper?: Rel<Person> | null;
}

/** A plain entity over a view of a view, whose rows have people behind them that a view shows as well. */
@Entity({ tableName: 'seen_town' })
class Town {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@Entity()
class Region {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable({ retention: '1d', purgeIndex: false })
@Entity()
class Country extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'seen_visit' })
class Visit {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const OVER_VIEWS = `
  alter table seen_visit rename to visit;
  create view seen_visit as select * from visit;
  alter table seen_person rename to person;
  create view seen_person as select * from person;
  alter table seen_town rename to town;
  create view any_town as select * from town;
  create view seen_town as select * from any_town;`;

/** Of a town, the partition of a partition. */
const OVER_PARTITIONS = `
  create table visit (like seen_visit including all) partition by range (id);
  alter table visit attach partition seen_visit default;
  create table person (like seen_person including all) partition by range (id);
  alter table person attach partition seen_person default;
  create table any_town (like seen_town including all) partition by range (id);
  alter table any_town attach partition seen_town default;
  create table town (like any_town including all) partition by range (id);
  alter table town attach partition any_town default;`;

/** The rows are in other tables than the entity's, which inherit it. */
const OVER_HEIRS = `
  create table visit (primary key (id)) inherits (seen_visit);
  create table person (primary key (id)) inherits (seen_person);
  create table any_town () inherits (seen_town);
  create table town (primary key (id)) inherits (any_town);`;

describe.each([
  ['view', OVER_VIEWS, SoftDeleteConfigError, SoftDeleteConfigError],
  ['partition', OVER_PARTITIONS, DeletionRestrictedError, DeletionRestrictedError],
  ['table that others inherit', OVER_HEIRS, DeletionRestrictedError, SoftDeleteConfigError],
])('Rows of an entity that is mapped to a %s', (kind, mapped, refusal, refusalToArchive) => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Person, Pet, Town, Region, Country, Visit, ...complianceEntities()]);
    await test.database.query(`
      alter table seen_person add town_id int, add region_id int, add country_id int;
      alter table seen_visit add town_id int;
      ${mapped}
      alter table person add foreign key (town_id) references town on delete cascade,
        add foreign key (region_id) references region on delete cascade,
        add foreign key (country_id) references country on delete cascade;
      alter table pet add foreign key (person_id) references person on delete cascade,
        add foreign key (keeper_id) references person on delete cascade;
      alter table visit add foreign key (town_id) references town;
      create table stamp (visit_id int references visit on delete cascade)`);
  });
  beforeEach(() =>
    test.database.query(`
      truncate person, pet, visit, stamp, town, region, country;
      insert into town values (1), (2); insert into region values (1); insert into country values (1);
      insert into person (id, town_id, region_id, country_id) values (1, null, null, null), (2, null, null, null), (3, 1, 1, 1);
      insert into pet (id, person_id, keeper_id) values (1, 1, null), (2, null, 2)`),
  );
  afterAll(() => test.close());

  const people = () => new SoftDeleteRepository(test.orm.em.fork(), Person);
  const ids = async (table: string) =>
    (await test.database.query(`select id from ${table} order by id`)).map(({ id }) => id);
  const active = async (table: string) =>
    (await test.database.query(`select id from ${table} where deleted_at is null order by id`)).map(({ id }) => id);

  it('are deleted and restored, with nothing behind them', async () => {
    await expect(people().softDelete([1, 2])).resolves.toMatchObject({ affected: { Person: 2 } });
    await expect(Promise.all(['person', 'pet'].map(active))).resolves.toEqual([[3], [1, 2]]);
    await expect(people().restore([1, 2])).resolves.toMatchObject({ affected: { Person: 2 } });
    await expect(Promise.all(['person', 'pet'].map(active))).resolves.toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
  });

  it.each([
    ['a key that no relation maps', 1],
    ['a mapped relation', 2],
  ])('are not removed by hardDelete() while %s leads to them', async (_what, id) => {
    await expect(people().hardDelete(id)).rejects.toThrow(DeletionRestrictedError);
    await expect(Promise.all(['person', 'pet'].map(ids))).resolves.toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
    await test.database.query('delete from pet');
    await expect(people().hardDelete(id)).resolves.toBe(1);
  });

  it('are not removed by hardDelete() along a key that was added since the facts were read', async () => {
    await expect(people().hardDelete(3)).resolves.toBe(1);
    await test.database.query(`
      create table toy (person_id int references person on delete cascade);
      insert into toy values (2);
      delete from pet`);
    await expect(people().hardDelete(2)).rejects.toThrow(DeletionRestrictedError);
    await test.database.query('drop table toy');
    await expect(people().hardDelete(2)).resolves.toBe(1);
  });

  if (kind === 'view') {
    it('are not removed by hardDelete() where a view calls the referenced column something else', async () => {
      await test.database.query(`
        alter table person add code int generated always as identity unique;
        create table badge (code int references person (code) on delete cascade)`);
      await expect(people().hardDelete(3)).rejects.toThrow(SoftDeleteConfigError);
      await expect(ids('person')).resolves.toEqual([1, 2, 3]);
      await test.database.query('drop table badge; alter table person drop column code');
    });
  }

  describe.each([
    ['of a table', Region, DeletionRestrictedError],
    ['of another one', Town, refusal],
  ])('are not taken along when plain rows %s are removed', (_where, entity, error) => {
    it.each([
      ['em.remove()', (em: EntityManager) => em.remove(em.getReference(entity, 1)).flush()],
      ['nativeDelete()', (em: EntityManager) => em.nativeDelete(entity, 1)],
    ])('by %s', async (_door, remove) => {
      await expect(remove(test.orm.em.fork())).rejects.toThrow(error);
      await expect(Promise.all(['person', 'town', 'region'].map(ids))).resolves.toEqual([[1, 2, 3], [1, 2], [1]]);
    });
  });

  it('are not taken along when the table below them references a row that is purged, and are not purged', async () => {
    await test.database.query(`
      update person set deleted_at = now() - interval '9 days';
      update country set deleted_at = now() - interval '9 days'`);
    await expect(createPurge(test.orm).run()).resolves.toMatchObject({
      entities: expect.arrayContaining([
        expect.objectContaining({ entity: 'Country', purged: 0, blocked: 1 }),
        expect.objectContaining({ entity: 'Person', purged: 0, error: expect.stringContaining(kind) }),
      ]),
    });
    await expect(Promise.all(['person', 'country'].map(ids))).resolves.toEqual([[1, 2, 3], [1]]);
    await expect(createPurge(test.orm).run({ entities: [Person] })).rejects.toThrow(SoftDeleteConfigError);
    await expect(createPurge(test.orm).status()).resolves.toMatchObject({
      entities: expect.arrayContaining([
        expect.objectContaining({ entity: 'Country', blocked: 1 }),
        expect.objectContaining({
          entity: 'Person',
          deleted: 3,
          due: 3,
          blocked: 0,
          overdueBy: expect.closeTo(8 * 86_400_000, -5),
          error: expect.stringContaining(kind),
        }),
      ]),
    });
    const { entities } = await createPurge(test.orm).plan();
    expect(entities.filter(({ error }) => error?.includes(kind)).map(({ entity }) => entity)).toEqual(['Person']);
    await test.database.query('update person set deleted_at = null where id < 3');
    const status = await createPurge(test.orm, { retention: '1d' }).status();
    expect(status.entities.find(({ entity }) => entity === 'Person')).toMatchObject({ deleted: 1, due: 1 });
  });

  it('are not archived while a key leads to them, by which the database would remove others along', async () => {
    await test.database.query('insert into visit values (1), (2); insert into stamp values (1)');
    await expect(new SoftDeleteRepository(test.orm.em.fork(), Visit).softDelete(1)).rejects.toThrow(refusalToArchive);
    await expect(new SoftDeleteRepository(test.orm.em.fork(), Visit).softDelete({ id: 1 })).rejects.toThrow(
      refusalToArchive,
    );
    await expect(
      test.database.query('select count(*)::int as n from stamp join visit on id = visit_id'),
    ).resolves.toEqual([{ n: 1 }]);
  });

  if (kind === 'partition') {
    it('come back from the archive only while the row is there that they reference', async () => {
      await test.database.query('insert into visit values (3, 2)');
      const visits = () => new SoftDeleteRepository(test.orm.em.fork(), Visit);
      await visits().softDelete(3);
      await test.database.query('delete from town where id = 2');
      await expect(visits().restore(3)).rejects.toThrow(RestoreConflictError);
      await test.database.query('insert into town values (2)');
      await visits().restore(3);
      await expect(test.database.query('select * from visit')).resolves.toEqual([{ id: 3, town_id: 2 }]);
    });
  }

  it('are told of by the doctor, who does not miss the table', async () => {
    const findings = await new SoftDeleteDoctor(test.orm).examine();
    expect(findings.filter(({ entity, code }) => entity === 'Person' && code.startsWith('table-'))).toEqual(
      kind.includes(' ') ? [] : [expect.objectContaining({ code: `table-is-${kind}`, severity: 'warning' })],
    );
  });
});
