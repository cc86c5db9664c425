import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { untilBlocked } from '../../support/blocked.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** Soft-deleted, with rows behind it by every kind of relation that no foreign key enforces. */
@SoftDeletable<Shelf>({ relations: { loose: 'keep', chained: 'restrict', pinned: 'cascade' } })
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Book, (book) => book.shelf, { cascade: [Cascade.REMOVE] })
  books = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.looseOn)
  loose = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.chainedTo)
  chained = new Collection<Book>(this);

  @OneToMany(() => Book, (book) => book.pinnedTo, { where: { isPinned: true } })
  pinned = new Collection<Book>(this);

  @OneToMany({ entity: () => Remark, mappedBy: 'on', cascade: [Cascade.REMOVE] })
  remarks = new Collection<Remark>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Book {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shelf, { nullable: true, createForeignKeyConstraint: false })
  shelf?: Rel<Shelf> | null;

  @ManyToOne(() => Shelf, { nullable: true, createForeignKeyConstraint: false })
  looseOn?: Rel<Shelf> | null;

  @ManyToOne(() => Shelf, { nullable: true, createForeignKeyConstraint: false })
  chainedTo?: Rel<Shelf> | null;

  @ManyToOne(() => Shelf, { nullable: true, createForeignKeyConstraint: false })
  pinnedTo?: Rel<Shelf> | null;

  @Property({ type: 'boolean', default: false })
  isPinned: boolean = false;

  @OneToMany(() => Page, (page) => page.book, { orphanRemoval: true })
  pages = new Collection<Page>(this);

  @OneToOne(() => Cover, (cover) => cover.book, { orphanRemoval: true })
  cover?: Rel<Cover> | null;

  @OneToMany({ entity: () => Remark, mappedBy: 'on', cascade: [Cascade.REMOVE] })
  remarks = new Collection<Remark>(this);

  @ManyToMany({ entity: () => Tag, pivotTable: 'tagged', discriminator: 'tagged', owner: true })
  tags = new Collection<Tag>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Page {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Book, { createForeignKeyConstraint: false })
  book!: Rel<Book>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Cover {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Book, (book) => book.cover, { owner: true, createForeignKeyConstraint: false })
  book!: Rel<Book>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Remark {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => [Shelf, Book] })
  on!: Rel<Shelf | Book>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Tag {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToMany({ entity: () => Book, mappedBy: 'tags' })
  books = new Collection<Book>(this);
}

/** A hierarchy with a table per type that is soft-deleted, with rows behind a class, and one in one table. */
@SoftDeletable()
@Entity({ inheritance: 'tpt' })
class Place extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@Entity()
class Room extends Place {
  @Property({ type: 'string', default: '' })
  name: string = '';

  @OneToMany(() => Lamp, (lamp) => lamp.room, { cascade: [Cascade.REMOVE] })
  lamps = new Collection<Lamp>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { lamp: 'Lamp', fan: 'Fan' }, abstract: true })
abstract class Device {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;
}

@Entity()
class Lamp extends Device {
  @ManyToOne(() => Room, { nullable: true })
  room?: Rel<Room> | null;
}

@Entity()
class Fan extends Device {}

/** In one table, where the rows of one class leave those behind them alone, and all of them the sealed ones. */
@SoftDeletable<Safe>({ relations: { valuables: 'keep', sealed: 'keep' } })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { cabinet: 'Cabinet', safe: 'Safe' } })
class Cabinet extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Thing, (thing) => thing.cabinet, { cascade: [Cascade.REMOVE] })
  things = new Collection<Thing>(this);

  @OneToMany(() => Thing, (thing) => thing.cabinet, { where: { isSealed: true } })
  sealed = new Collection<Thing>(this);
}

@Entity()
class Safe extends Cabinet {
  @OneToMany(() => Thing, (thing) => thing.cabinet)
  valuables = new Collection<Thing>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Thing {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Cabinet, { createForeignKeyConstraint: false })
  cabinet!: Rel<Cabinet>;

  @Property({ type: 'boolean', default: false })
  isSealed: boolean = false;
}

const TABLES = [
  'shelf',
  'book',
  'page',
  'cover',
  'remark',
  'tag',
  'tagged',
  'lamp',
  'room',
  'place',
  'thing',
  'cabinet',
];

describe('restoration of archived rows whose relations no foreign key enforces', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([
      Shelf,
      Book,
      Page,
      Cover,
      Remark,
      Tag,
      Place,
      Room,
      Device,
      Lamp,
      Fan,
      Cabinet,
      Safe,
      Thing,
      ...complianceEntities(),
    ]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`begin; set local session_replication_role = replica; delete from deletion_archive;
      ${TABLES.map((table) => `delete from ${table === 'lamp' ? 'device' : table}`).join('; ')}; commit`);
    await test.database.query(`
      insert into shelf (id) values (1), (2);
      insert into book (id, is_pinned) values (1, false), (2, false);
      insert into page (id, book_id) values (1, 1);
      insert into cover (id, book_id) values (1, 1);
      insert into remark (id, on_type, on_id) values (1, 'shelf', 1), (2, 'book', 1);
      insert into tag (id) values (1);
      insert into tagged (tagged_type, tagged_id, tag_id) values ('book', 1, 1);
      insert into place (id) values (1); insert into room (id) values (1);
      insert into device (id, kind, room_id) values (1, 'lamp', 1);
      insert into cabinet (id, kind) values (1, 'cabinet'), (2, 'safe');
      insert into thing (id, cabinet_id, is_sealed) values (1, 1, false), (2, 2, false), (3, 1, true)`);
  });

  const repo = <E extends object>(entity: abstract new () => E) =>
    test.orm.em.fork().getRepository(entity as never) as unknown as SoftDeleteRepository<E>;
  const query = (sql: string) => test.database.query(sql);
  const ids = async (table: string) => (await query(`select id from ${table} order by id`)).map(({ id }) => id);

  /** Refused with one conflict, in a dry run as well. */
  async function refused(entity: abstract new () => object, id: number, conflict: object) {
    const expected = [expect.objectContaining({ entity: entity.name, key: id, ...conflict })];
    expect((await repo(entity).restore(id as never, { dryRun: true })).conflicts).toEqual(expected);
    const error = await repo(entity)
      .restore(id as never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    expect((error as RestoreConflictError).conflicts).toEqual(expected);
  }

  it('waits for a soft-deleted owner', async () => {
    await query('update book set shelf_id = 1 where id = 1');
    await repo(Book).softDelete(1);
    await repo(Shelf).softDelete(1);
    await refused(Book, 1, { reason: 'parent-deleted', constraint: 'Shelf.books', conflictingKey: 1 });

    const { affected } = await repo(Book).restore(1, { withParents: true });
    expect(affected).toEqual({ Book: 1, Page: 1, Cover: 1, Remark: 1, Shelf: 1 });
    expect(await query('select id from shelf where deleted_at is null order by id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('says of an owner that was purged that it is missing', async () => {
    await query('update book set shelf_id = 1 where id = 1');
    await repo(Book).softDelete(1);
    await query('delete from shelf where id = 1');
    await refused(Book, 1, { reason: 'parent-missing', constraint: 'Shelf.books' });
  });

  it.each([
    ['loose_on_id', "'keep'"],
    ['pinned_to_id', 'a `where` that the row does not meet'],
  ])('comes back under a deleted row by %s: %s', async (column) => {
    await query(`update book set ${column} = 1 where id = 1`);
    await repo(Book).softDelete(1);
    await repo(Shelf).softDelete(1);
    await repo(Book).restore(1);
    expect(await ids('book')).toEqual([1, 2]);
  });

  it('does not come back under a deleted row by a relation whose `where` it meets', async () => {
    await query('update book set pinned_to_id = 1, is_pinned = true where id = 1');
    await repo(Book).softDelete(1);
    await repo(Shelf).softDelete(1);
    await refused(Book, 1, { reason: 'parent-deleted', constraint: 'Shelf.pinned', conflictingKey: 1 });
  });

  it('comes back under a deleted row that refuses to go before it, but not once that is gone', async () => {
    await query('update book set chained_to_id = 1 where id = 1');
    await repo(Book).softDelete(1);
    await repo(Shelf).softDelete(1);
    await repo(Book).restore(1);
    await query('update shelf set deleted_at = null');
    await repo(Book).softDelete(1);
    await query('delete from shelf where id = 1');
    await refused(Book, 1, { reason: 'parent-missing', constraint: 'Shelf.chained' });
  });

  it('waits for a deleted owner of a class, and not for one of a class, or of a relation, that leaves it alone', async () => {
    await repo(Thing).softDelete([1, 2, 3]);
    await query('update cabinet set deleted_at = now()');
    await refused(Thing, 1, { reason: 'parent-deleted', constraint: 'Cabinet.things', conflictingKey: 1 });
    await repo(Thing).restore([2, 3]);
    expect(await ids('thing')).toEqual([2, 3]);
  });

  it.each<[string, abstract new () => object, string]>([
    ['one-to-many', Page, 'Book.pages'],
    ['one-to-one', Cover, 'Book.cover'],
  ])('waits for an archived owner, %s', async (_kind, entity, constraint) => {
    await repo(entity).softDelete(1 as never);
    await repo(Book).softDelete(1);
    await refused(entity, 1, { reason: 'parent-deleted', constraint, conflictingKey: 1 });
    const { affected } = await repo(entity).restore(1 as never, { withParents: true });
    expect(affected).toEqual({ [entity.name]: 1, Book: 1 });
    await repo(entity).softDelete(1 as never);
    await query('delete from book where id = 1');
    await refused(entity, 1, { reason: 'parent-missing', constraint });
  });

  it('tells the targets of a polymorphic relation apart', async () => {
    await repo(Remark).softDelete({});
    await repo(Shelf).softDelete(1);
    await refused(Remark, 1, { reason: 'parent-deleted', constraint: 'Shelf.remarks', conflictingKey: 1 });
    await repo(Remark).restore(2);
    expect(await ids('remark')).toEqual([2]);

    await repo(Remark).softDelete(2);
    await repo(Book).softDelete(1);
    await refused(Remark, 2, { reason: 'parent-deleted', constraint: 'Book.remarks', conflictingKey: 1 });
    expect((await repo(Remark).restore({}, { withParents: true })).affected).toEqual({ Remark: 2, Shelf: 1, Book: 1 });
    expect(await ids('remark')).toEqual([1, 2]);
  });

  it('brings back rows with their archived owner', async () => {
    await repo(Book).softDelete(1);
    expect([await ids('page'), await ids('cover'), await ids('remark')]).toEqual([[], [], [1]]);
    await repo(Book).restore(1);
    expect([await ids('page'), await ids('cover'), await ids('remark')]).toEqual([[1], [1], [1, 2]]);
    expect(await query('select tagged_id, tag_id from tagged')).toEqual([{ tagged_id: 1, tag_id: 1 }]);
  });

  it('leaves a link of a polymorphic relation where it is while one of its ends is not there', async () => {
    await repo(Tag).softDelete(1);
    await repo(Book).softDelete(1);
    await repo(Tag).restore(1);
    expect(await query('select * from tagged')).toEqual([]);
  });

  it('waits for a class of a table-per-type hierarchy that owns one of a single-table hierarchy', async () => {
    await repo(Lamp).softDelete(1);
    await repo(Room).softDelete(1);
    await refused(Device, 1, { reason: 'parent-deleted', constraint: 'Room.lamps', conflictingKey: 1 });
    const { affected } = await repo(Lamp).restore(1, { withParents: true });
    expect(affected).toEqual({ Device: 1, Place: 1 });
  });

  it('waits until an owner that is being deleted is deleted', async () => {
    await query('update book set shelf_id = 1 where id = 1');
    await repo(Book).softDelete(1);
    let restored: Promise<unknown> | undefined;
    await test.orm.em.fork().transactional(async (tx) => {
      await (tx.getRepository(Shelf) as unknown as SoftDeleteRepository<Shelf>).softDelete(1);
      restored = repo(Book)
        .restore(1)
        .catch((error: unknown) => error);
      await untilBlocked(test.database, restored);
    });
    expect(await restored).toBeInstanceOf(RestoreConflictError);
    expect(await ids('book')).toEqual([2]);
  });
});
