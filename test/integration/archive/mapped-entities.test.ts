import { BigIntType, Cascade, Collection, PrimaryKeyProp, type Ref, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ strategy: 'archive' })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { car: 'Car', truck: 'Truck' }, abstract: true })
abstract class Vehicle {
  @PrimaryKey({ type: new BigIntType('bigint') })
  id!: bigint;

  @Property({ type: 'string' })
  kind!: string;
}

@Entity()
class Car extends Vehicle {
  @Property({ type: 'integer', nullable: true })
  seats?: number;
}

@Entity()
class Truck extends Vehicle {
  @Property({ type: 'integer', nullable: true })
  load?: number;
}

@SoftDeletable({ strategy: 'archive' })
@Entity({ inheritance: 'tpt' })
class Animal {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@Entity()
class Dog extends Animal {
  @Property({ type: 'string' })
  breed!: string;

  @OneToMany(() => Toy, (toy) => toy.dog, { cascade: [Cascade.REMOVE] })
  toys = new Collection<Toy>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Toy {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Dog, { deleteRule: 'cascade' })
  dog!: Rel<Dog>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Seat {
  [PrimaryKeyProp]?: ['row', 'number'];

  @PrimaryKey({ type: 'string' })
  row!: string;

  @PrimaryKey({ type: 'date' })
  number!: string;

  @OneToMany(() => Ticket, (ticket) => ticket.seat, { orphanRemoval: true })
  tickets = new Collection<Ticket>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Ticket {
  [PrimaryKeyProp]?: ['seat', 'n'];

  @ManyToOne(() => Seat, { primary: true })
  seat!: Rel<Seat>;

  @PrimaryKey({ type: 'integer' })
  n!: number;
}

/** Two that point at each other, and one that points at itself. */
@SoftDeletable({ strategy: 'archive' })
@Entity()
class Person {
  @PrimaryKey({ type: 'number', columnType: 'int generated always as identity', autoincrement: true })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'string', columnType: 'text', generated: '(upper(name::text)) stored', nullable: true })
  shouted?: string;

  @ManyToOne(() => Person, { nullable: true, ref: true, deleteRule: 'cascade' })
  boss?: Ref<Person> | null;

  @OneToOne(() => Desk, (desk) => desk.person, { owner: true, nullable: true, cascade: [Cascade.REMOVE] })
  desk?: Rel<Desk> | null;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Desk {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Person, (person) => person.desk, { cascade: [Cascade.REMOVE] })
  person?: Rel<Person> | null;
}

/** Stays when what it points at is archived, and loses its keys: by values, as a reference, of several columns, one-to-one. */
@Entity()
class Usher {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { nullable: true, deleteRule: 'set null', mapToPk: true })
  contact?: number | null;

  @ManyToOne(() => Person, { nullable: true, deleteRule: 'set null', ref: true })
  stand?: Ref<Person> | null;

  @ManyToOne(() => Seat, { nullable: true, deleteRule: 'set null' })
  seat?: Rel<Seat> | null;

  @OneToOne(() => Toy, { owner: true, nullable: true, deleteRule: 'set null', unique: false })
  toy?: Rel<Toy> | null;
}

/** Keeps its row when a seat goes, under a key that is padded. */
@Entity()
class Reservation {
  @PrimaryKey({ type: 'string', columnType: 'char(8)' })
  code!: string;

  @ManyToOne(() => Seat, { nullable: true, deleteRule: 'set null' })
  seat?: Rel<Seat> | null;
}

const TABLES = ['reservation', 'vehicle', 'animal', 'dog', 'toy', 'seat', 'ticket', 'person', 'desk', 'usher'];

describe('Archived entities of every shape', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([
      Vehicle,
      Car,
      Truck,
      Animal,
      Dog,
      Toy,
      Seat,
      Ticket,
      Person,
      Desk,
      Usher,
      Reservation,
      ...complianceEntities(),
    ]);
  });
  beforeEach(async () => {
    await test.database.query(`truncate ${TABLES.join(', ')}, deletion_archive restart identity cascade`);
    await test.database.query(`
      insert into vehicle (id, kind, seats, load) values (9007199254740993, 'car', 4, null), (2, 'truck', null, 900);
      insert into animal (id, name) values (1, 'Cat'), (2, 'Rex');
      insert into dog (id, breed) values (2, 'Boxer');
      insert into toy (id, dog_id) values ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 2);
      insert into seat (row, number) values ('A "1"', '2024-02-03'), ('B', '2024-02-03');
      insert into ticket (seat_row, seat_number, n) values ('A "1"', '2024-02-03', 1), ('A "1"', '2024-02-03', 2), ('B', '2024-02-03', 1);
      insert into reservation values ('AB', 'A "1"', '2024-02-03'), ('ABC', 'B', '2024-02-03');
      insert into desk (id) values (1);
      insert into person (name, boss_id, desk_id) values ('Ada', null, 1), ('Bob', 1, null), ('Cy', 2, null);
      update person set boss_id = 3 where id = 1;
      insert into usher (contact_id, stand_id, seat_row, seat_number, toy_id)
        values (2, 1, 'A "1"', '2024-02-03', '6f9619ff-8b86-d011-b42d-00cf4fc964ff')`);
  });
  afterAll(() => test.close());

  const repo = (entity: unknown, em = test.orm.em.fork()) => em.getRepository(entity as never) as any;
  async function contents(): Promise<string[]> {
    const rows = await test.database.query<{ row: string }>(
      TABLES.map((table) => `select '${table}' || t::text as row from ${table} as t`).join(' union all ') +
        ' order by 1',
    );
    return rows.map(({ row }) => row);
  }
  async function comeBack(entity: unknown, key: unknown, rows: number): Promise<void> {
    const before = await contents();
    for (const door of ['repository', 'flush'] as const) {
      const em = test.orm.em.fork();
      if (door === 'repository') {
        await repo(entity, em).softDelete(key);
      } else {
        em.remove(await em.findOneOrFail(entity as never, key as never));
        await em.flush();
      }
      expect(await contents()).toHaveLength(before.length - rows);
      expect(await repo(entity).onlyDeleted().count()).toBeGreaterThan(0);
      await repo(entity).restore(key);
      expect(await contents()).toEqual(before);
      expect(await test.database.query('select 1 from deletion_archive')).toEqual([]);
    }
  }

  it('restores classes of a single-table hierarchy, and reads them as what they are', async () => {
    await comeBack(Car, 9007199254740993n, 1);
    await repo(Vehicle).softDelete({});
    const found = await repo(Vehicle)
      .onlyDeleted()
      .find({}, { orderBy: { id: 'asc' } });
    expect(found.map((vehicle: object) => vehicle.constructor)).toEqual([Truck, Car]);
    expect(found[1]).toMatchObject({ id: 9007199254740993n, seats: 4 });
    expect(await repo(Truck).onlyDeleted().count()).toBe(1);
  });

  it('restores all tables of a table-per-type hierarchy, and reads them as what they are', async () => {
    await comeBack(Animal, 2, 3);
    await comeBack(Dog, 2, 3);
    await repo(Animal).softDelete({});
    const found = await repo(Animal)
      .onlyDeleted()
      .find({}, { orderBy: { id: 'asc' } });
    expect(found.map((animal: object) => animal.constructor)).toEqual([Animal, Dog]);
    expect(found[1]).toMatchObject({ id: 2, name: 'Rex', breed: 'Boxer' });
  });

  it('restores composite keys, nested ones too', async () => {
    await comeBack(Seat, ['A "1"', '2024-02-03'], 3);
    await repo(Ticket).softDelete([['A "1"', '2024-02-03'], 2]);
    expect(await repo(Ticket).onlyDeleted().count({ n: 2 })).toBe(1);
    await repo(Ticket).restore([['A "1"', '2024-02-03'], 2]);
  });

  it('clears keys of every kind in memory as in the database, and writes them again', async () => {
    const before = await contents();
    const em = test.orm.em.fork();
    const usher = await em.findOneOrFail(Usher, 1);
    const values = () => ({
      contact: usher.contact,
      stand: usher.stand?.unwrap().id ?? null,
      seat: usher.seat ? [usher.seat.row, usher.seat.number] : null,
      toy: usher.toy?.id ?? null,
    });
    const all = values();
    expect(all).toEqual({ contact: 2, stand: 1, seat: ['A "1"', '2024-02-03'], toy: expect.any(String) });
    const none = { contact: null, stand: null, seat: null, toy: null };
    const removeAll = async (own: typeof em) => {
      await repo(Seat, own).softDelete(['A "1"', '2024-02-03']);
      expect(values()).toEqual({ ...all, seat: null });
      await repo(Person, own).softDelete(1);
      await repo(Animal, own).softDelete(2);
    };
    const writesNothing = async () => {
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    };

    const failure = new Error('rolled back');
    await expect(
      em.transactional(async (tx) => {
        await removeAll(tx);
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(values()).toEqual(all);
    await writesNothing();

    await removeAll(em);
    expect(values()).toEqual(none);
    await writesNothing();
    await repo(Seat, em).restore(['A "1"', '2024-02-03']);
    expect(values()).toEqual({ ...none, seat: all.seat });
    await repo(Person, em).restore(1);
    await repo(Animal, em).restore(2);
    expect(values()).toEqual(all);
    expect(usher.stand!.isInitialized()).toBe(false);
    await writesNothing();
    expect(await contents()).toEqual(before);
  });

  it('restores circles, identity columns and generated ones', async () => {
    await comeBack(Person, 1, 4);
    await comeBack(Desk, 1, 4);
    const [row] = await test.database.query('select shouted from person where id = 1');
    expect(row.shouted).toBe('ADA');
  });
});
