import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Client } from 'pg';
import {
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { untilBlocked } from '../../support/blocked.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity({ inheritance: 'tpt', repository: () => SoftDeleteRepository })
class Asset extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Keys point at its table, not at that of the timestamp. */
@SoftDeletable<Machine>({ relations: { parts: 'cascade' } })
@Entity({ repository: () => SoftDeleteRepository })
class Machine extends Asset {
  @Property({ type: 'string' })
  model!: string;

  @OneToMany(() => MachinePart, (part) => part.machine)
  parts = new Collection<MachinePart>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class MachinePart extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Machine, { deleteRule: 'cascade' })
  machine!: Rel<Machine>;
}

@SoftDeletable<Group>({ relations: { people: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
class Group extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  a!: number;

  @PrimaryKey({ type: 'number' })
  b!: number;

  @ManyToMany(() => Person, (person) => person.groups, { owner: true })
  people = new Collection<Person>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany(() => Group, (group) => group.people)
  groups = new Collection<Group>(this);
}

describe('decided under the lock, where the key is in another table', () => {
  let test: TestOrm;
  let other: Client;

  beforeAll(async () => {
    test = await createTestOrm([Asset, Machine, MachinePart, Group, Person]);
  });

  beforeEach(async () => {
    other = await test.database.connect();
    await test.database.query(`
      truncate asset, machine, machine_part, "group", person, group_people;
      insert into asset (id) values (1), (2); insert into machine (id, model) values (1, 'x'), (2, 'y');
      insert into "group" (a, b) values (1, 1), (1, 2); insert into person (id) values (1)`);
  });

  afterEach(() => other.end());
  afterAll(() => test.close());

  const DOORS: [string, (entity: new () => any, key: any) => Promise<unknown>][] = [
    ['softDelete()', (entity, key) => new SoftDeleteRepository<any>(test.orm.em.fork(), entity).softDelete(key)],
    [
      'em.remove()',
      async (entity, key) => {
        const em = test.orm.em.fork();
        em.remove(await em.findOneOrFail(entity, key));
        await em.flush();
      },
    ],
  ];

  async function during(written: string, operation: () => Promise<unknown>): Promise<unknown> {
    await other.query(`begin; ${written}`);
    const done = operation().catch((error: unknown) => error);
    await untilBlocked(test.database, done);
    await other.query('commit');
    return done;
  }

  it.each(DOORS)('%s takes along what is inserted behind a class of a table-per-type hierarchy', async (_door, run) => {
    await during('insert into machine_part (id, machine_id) values (1, 1), (2, 2)', () => run(Machine, 1));
    expect(await test.database.query('select deleted_at is null as active from machine_part order by id')).toEqual([
      { active: false },
      { active: true },
    ]);
  });

  it.each(DOORS)('%s is refused by what is linked behind a restrict relation', async (_door, run) => {
    const refused = await during('insert into group_people values (1, 2, 1)', () => run(Group, [1, 2]));
    expect(refused).toBeInstanceOf(DeletionRestrictedError);
    expect(await test.database.query('select from "group" where deleted_at is not null')).toEqual([]);
  });
});
