import { Cascade, Collection, type Opt, type Ref } from '@mikro-orm/core';
import { Entity, Enum, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { installSoftDelete, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Shelf>({ relations: { loans: 'keep' } })
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  hall!: number;

  @PrimaryKey({ type: 'number' })
  place!: number;

  @OneToMany(() => Book, (book) => book.shelf, { orphanRemoval: true })
  books = new Collection<Book>(this);

  @OneToMany(() => Loan, (loan) => loan.shelf)
  loans = new Collection<Loan>(this);

  @OneToMany(() => Label, (label) => label.shelf)
  labels = new Collection<Label>(this);
}

/** Of several kinds in one table, with a wrapped reference. */
@SoftDeletable()
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { book: 'Book', atlas: 'Atlas' } })
class Book extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Enum({ type: 'string' })
  kind!: 'book' | 'atlas';

  @Property({ type: 'number', default: 0, onUpdate: (book: Book) => book.updates + 1 })
  updates: number & Opt = 0;

  @ManyToOne(() => Shelf, { nullable: true, ref: true })
  shelf?: Ref<Shelf> | null;
}

@Entity({ discriminatorValue: 'atlas' })
class Atlas extends Book {}

@SoftDeletable()
@Entity()
class Loan extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Shelf | null;
}

/** Not soft-deletable. */
@Entity()
class Label {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Shelf | null;
}

@SoftDeletable()
@Entity()
class Topic extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Topic, { nullable: true })
  parent?: Topic | null;

  @OneToMany(() => Topic, (topic) => topic.parent, { cascade: [Cascade.ALL] })
  children = new Collection<Topic>(this);
}

class RolledBack extends Error {}

/**
 * `UnitOfWork.remove()` takes the reference from every loaded child. What a collection holds need not be managed by the manager that
 * removes: a transaction that is rolled back leaves its entities in the collections that it has loaded.
 */
describe(installSoftDelete.name, () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Book, Atlas, Loan, Label, Topic]);
  });

  beforeEach(async () => {
    await test.database.query(`
      truncate shelf, book, loan, label, topic;
      insert into shelf (hall, place) values (1, 2), (3, 4);
      insert into book (id, kind, shelf_hall, shelf_place) values (1, 'book', 1, 2), (2, 'atlas', 1, 2), (3, 'atlas', 3, 4);
      insert into loan (id, shelf_hall, shelf_place) values (1, 1, 2);
      insert into label (id, shelf_hall, shelf_place) values (1, 1, 2);
      insert into topic (id, parent_id) values (1, null), (2, 1), (3, 2), (4, null);
    `);
    em = test.orm.em.fork({ flushMode: 'commit', useContext: true }) as EntityManager;
  });

  afterAll(() => test.close());

  const LOADED = { populate: ['books', 'loans', 'labels'] } as const;

  const columns = async () => ({
    shelves: await test.database.query(
      'select hall, place, deleted_at is not null as deleted from shelf order by hall',
    ),
    books: await test.database.query(
      'select b.id, shelf_hall as hall, updates, b.deleted_at = s.deleted_at as together ' +
        'from book as b left join shelf as s on (hall, place) = (shelf_hall, shelf_place) order by b.id',
    ),
    loans: await test.database.query('select shelf_hall as hall, deleted_at from loan'),
    labels: await test.database.query('select shelf_hall as hall from label'),
  });

  const FIRST_SHELF_DELETED = {
    shelves: [
      { hall: 1, place: 2, deleted: true },
      { hall: 3, place: 4, deleted: false },
    ],
    books: [
      { id: 1, hall: 1, updates: 0, together: true },
      { id: 2, hall: 1, updates: 0, together: true },
      { id: 3, hall: 3, updates: 0, together: null },
    ],
    loans: [{ hall: 1, deleted_at: null }],
    labels: [{ hall: 1 }],
  };

  const rolledBack = async (work: (shelf: Shelf, tx: EntityManager) => unknown) =>
    expect(
      em.transactional(async (tx) => {
        await work(await tx.findOneOrFail(Shelf, { hall: 1 }, LOADED), tx as EntityManager);
        await tx.flush();
        throw new RolledBack();
      }),
    ).rejects.toThrow(RolledBack);

  const works: { what: string; work: (shelf: Shelf, tx: EntityManager) => unknown }[] = [
    { what: 'has only read them', work: () => undefined },
    { what: 'has removed one as an orphan', work: ({ books }) => books.remove(books.getItems()[0]!) },
    { what: 'has emptied the collection', work: ({ books }) => books.removeAll() },
    { what: 'has removed one by name', work: ({ books }, tx) => tx.remove(books.getItems()[0]!) },
    { what: 'has removed the parent', work: (shelf, tx) => tx.remove(shelf) },
  ];

  it.each(works)('keeps the keys of children that a rolled back transaction has loaded: it $what', async ({ work }) => {
    const shelf = await em.findOneOrFail(Shelf, { hall: 1 });
    await rolledBack(work);
    em.remove(shelf);
    await em.flush();
    expect(await columns()).toEqual(FIRST_SHELF_DELETED);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  });

  it('keeps them in the next transaction as well', async () => {
    await em.findOneOrFail(Shelf, { hall: 1 });
    await rolledBack(({ books }) => books.removeAll());
    await em.transactional(async (tx) => {
      tx.remove(await tx.findOneOrFail(Shelf, { hall: 1 }));
    });
    expect(await columns()).toEqual(FIRST_SHELF_DELETED);
  });

  it('keeps the keys of children when the parent is not removed after all', async () => {
    const shelf = await em.findOneOrFail(Shelf, { hall: 1 });
    await rolledBack(({ books }) => books.removeAll());
    const before = await columns();
    em.remove(shelf);
    em.persist(shelf);
    await em.flush();
    expect(await columns()).toEqual(before);
  });

  it('keeps the keys in a tree that a rolled back transaction has loaded', async () => {
    const root = await em.findOneOrFail(Topic, 1);
    await expect(
      em.transactional(async (tx) => {
        const topic = await tx.findOneOrFail(Topic, 1, { populate: ['children.children'] });
        tx.remove(topic.children.getItems()[0]!);
        await tx.flush();
        throw new RolledBack();
      }),
    ).rejects.toThrow(RolledBack);
    em.remove(root);
    await em.flush();
    expect(
      await test.database.query(
        'select id, parent_id, deleted_at = (select deleted_at from topic where id = 1) as together from topic order by id',
      ),
    ).toEqual([
      { id: 1, parent_id: null, together: true },
      { id: 2, parent_id: 1, together: true },
      { id: 3, parent_id: 2, together: true },
      { id: 4, parent_id: null, together: null },
    ]);
  });
});
