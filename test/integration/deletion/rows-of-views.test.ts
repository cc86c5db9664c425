import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
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

describe('Rows of an entity that is mapped to a view', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Person, Pet]);
    await test.database.query(`
      alter table seen_person rename to person;
      create view seen_person as select * from person;
      alter table pet add foreign key (person_id) references person on delete cascade,
        add foreign key (keeper_id) references person on delete cascade`);
  });
  beforeEach(() =>
    test.database.query(`
      truncate person, pet restart identity;
      insert into person default values; insert into person default values; insert into person default values;
      insert into pet (person_id, keeper_id) values (1, null), (null, 2)`),
  );
  afterAll(() => test.close());

  const people = () => new SoftDeleteRepository(test.orm.em.fork(), Person);
  const ids = async (table: string) =>
    (await test.database.query(`select id from ${table} where deleted_at is null order by id`)).map(({ id }) => id);

  it('are deleted and restored, with nothing behind them', async () => {
    await expect(people().softDelete([1, 2])).resolves.toMatchObject({ affected: { Person: 2 } });
    await expect(Promise.all(['person', 'pet'].map(ids))).resolves.toEqual([[3], [1, 2]]);
    await expect(people().restore([1, 2])).resolves.toMatchObject({ affected: { Person: 2 } });
    await expect(Promise.all(['person', 'pet'].map(ids))).resolves.toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
  });

  it('are not removed by hardDelete() while a mapped relation leads to them', async () => {
    await expect(people().hardDelete(2)).rejects.toThrow(DeletionRestrictedError);
    await expect(Promise.all(['person', 'pet'].map(ids))).resolves.toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
  });

  it('take along what keys of the database alone lead to, as the caveats say', async () => {
    await expect(people().hardDelete(1)).resolves.toBe(1);
    await expect(Promise.all(['person', 'pet'].map(ids))).resolves.toEqual([[2, 3], [2]]);
  });

  it('stay where they are when the purge fails over them', async () => {
    await test.database.query(`update person set deleted_at = now() - interval '9 days' where id = 3`);
    await expect(createPurge(test.orm).run()).rejects.toMatchObject({ code: 'PURGE_INTERRUPTED' });
    await expect(test.database.query('select id from person where id = 3')).resolves.toHaveLength(1);
  });
});
