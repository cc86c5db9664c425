import type { EntityManager, Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
  SoftDeleteDoctor,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
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

describe('Rows of an entity that is mapped to a view', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Person, Pet, Town, Region, Country]);
    await test.database.query(`
      alter table seen_person rename to person;
      alter table person add town_id int, add region_id int, add country_id int;
      create view seen_person as select * from person;
      alter table seen_town rename to town;
      create view any_town as select * from town;
      create view seen_town as select * from any_town;
      alter table person add foreign key (town_id) references town on delete cascade,
        add foreign key (region_id) references region on delete cascade,
        add foreign key (country_id) references country on delete cascade;
      alter table pet add foreign key (person_id) references person on delete cascade,
        add foreign key (keeper_id) references person on delete cascade`);
  });
  beforeEach(() =>
    test.database.query(`
      truncate person, pet, town, region, country restart identity;
      insert into town default values; insert into town default values; insert into region default values; insert into country default values;
      insert into person (town_id, region_id, country_id) values (null, null, null), (null, null, null), (1, 1, 1);
      insert into pet (person_id, keeper_id) values (1, null), (null, 2)`),
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

  it('are not removed by hardDelete() where the view calls the referenced column something else', async () => {
    await test.database.query(`
      alter table person add code int generated always as identity unique;
      create table badge (code int references person (code) on delete cascade)`);
    await expect(people().hardDelete(3)).rejects.toThrow(SoftDeleteConfigError);
    await expect(ids('person')).resolves.toEqual([1, 2, 3]);
    await test.database.query('drop table badge; alter table person drop column code');
  });

  describe.each([
    ['of a table', Region, DeletionRestrictedError],
    ['of another view', Town, SoftDeleteConfigError],
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
        expect.objectContaining({ entity: 'Person', purged: 0, error: expect.stringContaining('view') }),
      ]),
    });
    await expect(Promise.all(['person', 'country'].map(ids))).resolves.toEqual([[1, 2, 3], [1]]);
    await expect(createPurge(test.orm).run({ entities: [Person] })).rejects.toThrow(SoftDeleteConfigError);
    await expect(createPurge(test.orm).status()).resolves.toMatchObject({
      entities: [{ entity: 'Pet' }, { entity: 'Country', blocked: 1 }],
    });
  });

  it('are told of by the doctor, who does not miss the table', async () => {
    const findings = await new SoftDeleteDoctor(test.orm).examine();
    expect(findings.filter(({ entity }) => entity === 'Person')).toEqual([
      expect.objectContaining({ code: 'table-is-view', severity: 'warning' }),
    ]);
  });
});
