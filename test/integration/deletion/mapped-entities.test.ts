import { Cascade, Collection, defineEntity, p, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, softDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

// Single-table inheritance, with a custom property and column for the time of deletion.
@SoftDeletable<Person>({ property: 'removedAt' })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { person: 'Person', manager: 'Manager', worker: 'Worker' } })
class Person {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'datetime', nullable: true, fieldName: 'gone_at' })
  removedAt?: Date | null;
}

@Entity()
class Manager extends Person {
  @OneToMany(() => Worker, (worker) => worker.manager, { cascade: [Cascade.ALL] })
  workers = new Collection<Worker>(this);
}

@Entity()
class Worker extends Person {
  @ManyToOne(() => Manager, { nullable: true })
  manager?: Rel<Manager> | null;
}

// Table per type, a self-referencing tree, a version on the root.
@SoftDeletable()
@Entity({ inheritance: 'tpt' })
abstract class Asset extends SoftDeletableEntity {
  @PrimaryKey({ type: 'bigint' })
  id!: bigint;

  @Property({ type: 'string' })
  label!: string;

  @Property({ type: 'number', version: true })
  version!: number;
}

@Entity()
class Folder extends Asset {
  @ManyToOne(() => Folder, { nullable: true })
  parent?: Rel<Folder> | null;

  @OneToMany(() => Folder, (folder) => folder.parent, { cascade: [Cascade.ALL] })
  folders = new Collection<Folder>(this);

  @OneToMany(() => File, (file) => file.folder, { cascade: [Cascade.ALL] })
  files = new Collection<File>(this);
}

@Entity()
class File extends Asset {
  @ManyToOne(() => Folder)
  folder!: Rel<Folder>;

  @Property({ type: 'number', default: 0 })
  bytes!: number;
}

// Composite keys, a custom schema, an embedded value.
@Embeddable()
class Address {
  @Property({ type: 'string' })
  city!: string;
}

@SoftDeletable()
@Entity({ schema: 'offices' })
class Office extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['country', 'number'];

  @PrimaryKey({ type: 'string' })
  country!: string;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @Embedded(() => Address)
  address!: Address;

  @OneToMany(() => Desk, (desk) => desk.office, { cascade: [Cascade.ALL] })
  desks = new Collection<Desk>(this);
}

@SoftDeletable()
@Entity({ schema: 'offices' })
class Desk extends SoftDeletableEntity {
  [PrimaryKeyProp]?: ['office', 'place'];

  @ManyToOne(() => Office, { primary: true })
  office!: Rel<Office>;

  @PrimaryKey({ type: 'number' })
  place!: number;
}

// A cycle of two entities, and a foreign key that cascades in the database without a relation on the other side.
@SoftDeletable()
@Entity()
class Team extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Player, { nullable: true, unique: false })
  captain?: Rel<Player> | null;

  @OneToMany(() => Player, (player) => player.team, { cascade: [Cascade.ALL] })
  players = new Collection<Player>(this);
}

@SoftDeletable()
@Entity()
class Player extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Team)
  team!: Rel<Team>;
}

@SoftDeletable()
@Entity()
class Medal extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Player, { deleteRule: 'cascade' })
  player!: Rel<Player>;
}

const ParcelSchema = softDeletable(
  defineEntity({
    name: 'Parcel',
    extends: SoftDeletableEntity,
    properties: {
      id: p.integer().primary(),
      weight: p.integer(),
    },
  }),
  { retention: '30d' },
);

describe('mapped entities', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([
      Person,
      Manager,
      Worker,
      Asset,
      Folder,
      File,
      Address,
      Office,
      Desk,
      Team,
      Player,
      Medal,
      ParcelSchema,
    ]);
  });

  beforeEach(() => {
    em = test.orm.em.fork() as EntityManager;
  });

  afterAll(() => test.close());

  const repo = <E extends object>(entity: any) => new SoftDeleteRepository<E>(em, entity);
  const times = async (table: string, column = 'deleted_at', order = '1') =>
    (await test.database.query(`select ${column}::text as time from ${table} order by ${order}`)).map(
      ({ time }) => time,
    );

  it('deletes and restores through single-table inheritance, UUID keys and a custom column', async () => {
    const id = (n: number) => `00000000-0000-0000-0000-00000000000${n}`;
    await test.database.query(`
      insert into person (id, name, kind, manager_id) values
        ('${id(1)}', 'boss', 'manager', null), ('${id(2)}', 'w1', 'worker', '${id(1)}'),
        ('${id(3)}', 'w2', 'worker', '${id(1)}'), ('${id(4)}', 'someone', 'person', null)`);
    const worker = await em.findOneOrFail(Worker, id(2));
    em.remove(worker);
    await em.flush();
    em.remove(em.getReference(Manager, id(1)));
    await em.flush();
    const [boss, w1, w2, someone] = await times('person', 'gone_at', 'id');
    expect(w2).toBe(boss);
    expect(w1).not.toBe(boss);
    expect(someone).toBeNull();
    expect(await em.find(Person, {})).toHaveLength(1);
    expect(await em.find(Worker, {})).toHaveLength(0);
    expect(await repo<Person>(Person).restore(id(1))).toEqual({ affected: { Person: 2 }, total: 2 });
    expect(await repo<Worker>(Worker).softDelete({})).toMatchObject({ affected: { Person: 1 } });
    expect(await repo<Worker>(Worker).onlyDeleted().count()).toBe(2);
    expect(await repo<Person>(Person).onlyDeleted().count()).toBe(2);
    expect(await repo<Manager>(Manager).hardDelete(id(1))).toBe(3);
    expect(await times('person', 'gone_at', 'id')).toEqual([null]);
  });

  it('deletes and restores through table-per-type inheritance and a self-referencing tree', async () => {
    await test.database.query(`
      insert into asset (id, label, version) values (1, 'root', 1), (2, 'a', 1), (3, 'a/b', 1), (4, 'f', 1), (5, 'other', 1);
      insert into folder (id, parent_id) values (1, null), (2, 1), (3, 2), (5, null);
      insert into file (id, folder_id, bytes) values (4, 3, 10);`);
    const root = await em.findOneOrFail(Folder, 1n);
    em.remove(root);
    await em.flush();
    const all = await times('asset', 'deleted_at', 'id');
    expect(new Set(all.slice(0, 4)).size).toBe(1);
    expect(all.slice(0, 4)).not.toContain(null);
    expect(all[4]).toBeNull();
    expect(root.version).toBe(2);
    expect(await test.database.query('select version from asset order by id')).toEqual(
      [2, 2, 2, 2, 1].map((version) => ({ version })),
    );
    expect(await em.find(Folder, {})).toHaveLength(1);
    expect(await em.find(File, {})).toHaveLength(0);
    expect(await repo<Folder>(Folder).restore(1n)).toEqual({ affected: { Asset: 4 }, total: 4 });
    expect(await repo<Folder>(Folder).softDelete({ label: { $like: 'a%' } })).toMatchObject({ total: 3 });
    expect(
      await repo<File>(File)
        .restore(4n)
        .catch((error) => error.conflicts),
    ).toMatchObject([{ reason: 'parent-deleted', key: 4n, conflictingKey: 3n, constraint: 'Folder.files' }]);
    expect(await repo<File>(File).restore(4n, { withParents: true })).toMatchObject({ total: 3 });
    expect(await repo<Folder>(Folder).hardDelete(1n)).toBe(4);
    expect(await test.database.query('select id from folder')).toEqual([{ id: '5' }]);
    expect(await test.database.query('select id from file')).toEqual([]);
  });

  it('deletes and restores composite keys in a custom schema with embedded values', async () => {
    await test.database.query(`
      insert into offices.office (country, number, address_city) values ('de', 1, 'Berlin'), ('de', 2, 'Bonn');
      insert into offices.desk (office_country, office_number, place) values ('de', 1, 1), ('de', 1, 2), ('de', 2, 1);`);
    const office = await em.findOneOrFail(Office, ['de', 1], { populate: ['desks'] });
    office.address.city = 'Changed';
    em.remove(office);
    await em.flush();
    expect(office.address.city).toBe('Berlin');
    const desks = await times('offices.desk', 'deleted_at', 'office_number, place');
    expect(desks.slice(0, 2)).toEqual([desks[0], desks[0]]);
    expect(desks[0]).not.toBeNull();
    expect(desks[2]).toBeNull();
    expect(await em.findOne(Office, ['de', 1])).toBeNull();
    await em.flush();
    expect(await test.database.query('select address_city as city from offices.office order by number')).toEqual([
      { city: 'Berlin' },
      { city: 'Bonn' },
    ]);
    expect(await repo<Office>(Office).restore(['de', 1])).toEqual({ affected: { Office: 1, Desk: 2 }, total: 3 });
    expect(
      await repo<Office>(Office).softDelete([
        ['de', 1],
        ['de', 2],
      ] as never),
    ).toMatchObject({ total: 5 });
    expect(
      await repo<Desk>(Desk)
        .restore([['de', 1], 2] as never)
        .catch((error) => error.conflicts),
    ).toMatchObject([{ reason: 'parent-deleted', entity: 'Desk', key: [['de', 1], 2], conflictingKey: ['de', 1] }]);
    expect(await repo<Office>(Office).hardDelete({})).toBe(5);
  });

  it('follows cycles and keys that cascade in the database only', async () => {
    await test.database.query(`
      insert into team (id) values (1), (2);
      insert into player (id, team_id) values (1, 1), (2, 1), (3, 2);
      update team set captain_id = 1 where id = 1;
      insert into medal (player_id) values (1), (2), (3);`);
    expect(await repo<Team>(Team).softDelete(1)).toMatchObject({ affected: { Team: 1, Player: 2, Medal: 2 } });
    expect(await repo<Team>(Team).restore(1)).toMatchObject({ total: 5 });
    em.remove(await em.findOneOrFail(Team, 1, { populate: ['captain'] }));
    await em.flush();
    expect((await times('medal', 'deleted_at', 'id')).map((time) => time === null)).toEqual([false, false, true]);
    expect(await repo<Team>(Team).hardDelete(1)).toBe(5);
    expect(await test.database.query('select id from player')).toEqual([{ id: 3 }]);
  });

  it('takes entities of defineEntity()', async () => {
    await test.database.query('insert into parcel (id, weight) values (1, 10), (2, 20)');
    em.remove(await em.findOneOrFail(ParcelSchema, 1));
    await em.flush();
    expect((await em.find(ParcelSchema, {})).map(({ id }) => id)).toEqual([2]);
    expect(await repo(ParcelSchema).restore(1)).toEqual({ affected: { Parcel: 1 }, total: 1 });
  });
});
