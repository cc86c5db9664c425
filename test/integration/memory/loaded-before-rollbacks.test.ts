import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Book, (book) => book.shelf, { cascade: [Cascade.REMOVE] })
  books = new Collection<Book>(this);
}

@SoftDeletable()
@Entity()
class Book extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne(() => Shelf)
  shelf!: Rel<Shelf>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class View {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

describe('rows that are loaded in a transaction that does not last, after they were restored or deleted', () => {
  let test: TestOrm;
  let em: any;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Book, View, ...complianceEntities()]);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`
      begin; set local session_replication_role = replica; delete from deletion_archive; commit;
      delete from book; delete from shelf; delete from view;
      insert into shelf (id, name) values (1, 'one');
      insert into book (id, name, shelf_id) values (1, 'one', 1);
      insert into view (id, name) values (1, 'one')`);
    em = test.orm.em.fork();
  });

  const restore = (on: any, entity: new () => object) => on.getRepository(entity).restore(1);

  async function rolledBack(work: () => Promise<unknown>): Promise<void> {
    await em.begin();
    try {
      await work();
    } finally {
      await em.rollback();
    }
  }

  async function expectDeleted(entity: new () => object): Promise<void> {
    expect(await em.findOne(entity, 1)).toBeNull();
    expect(await em.find(entity, { id: 1 })).toEqual([]);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
  }

  describe.each([
    ['Shelf', Shelf],
    ['Book', Book],
    ['View', View],
  ] as const)('%s', (_name, entity) => {
    beforeEach(() => (test.orm.em.fork().getRepository(entity) as any).softDelete(1));

    it('are deleted to the entity manager that has loaded them', async () => {
      await rolledBack(async () => {
        await restore(em, entity);
        expect(await em.findOne(entity, 1)).toBeInstanceOf(entity);
      });
      await expectDeleted(entity);
    });

    it('are deleted to the one that a transaction inside has left them to', async () => {
      await rolledBack(() =>
        em.transactional(async (inner: any) => {
          await restore(inner, entity);
          expect(await inner.findOne(entity, 1)).toBeInstanceOf(entity);
        }),
      );
      await expectDeleted(entity);
    });

    it('are found again once they are restored for good', async () => {
      await rolledBack(async () => {
        await restore(em, entity);
        await em.findOne(entity, 1);
      });
      await restore(em, entity);
      const found = await em.findOne(entity, 1);
      expect(found).toMatchObject({ id: 1, name: 'one' });
      found.name = 'two';
      await em.flush();
      const [row] = await test.database.query(`select name from ${entity.name.toLowerCase()}`);
      expect(row).toEqual({ name: 'two' });
    });
  });

  it('are deleted where a loaded collection has brought them in', async () => {
    await (test.orm.em.fork().getRepository(Book) as any).softDelete(1);
    const shelf = await em.findOneOrFail(Shelf, 1, { populate: ['books'] });
    await rolledBack(() => restore(em, Book));
    expect(shelf.books.getItems()).toEqual([]);
    await expectDeleted(Book);
  });

  it.each([
    ['a deletion by set', (on: any) => on.getRepository(Shelf).softDelete(1)],
    ['a removal', (on: any) => on.remove(on.getReference(Shelf, 1)).flush()],
  ] as const)('are active after %s, and can be deleted', async (_door, remove) => {
    const options = { filters: { softDelete: false }, populate: ['books'] };
    let shelf: any;
    await rolledBack(() =>
      em.transactional(async (inner: any) => {
        await remove(inner);
        inner.clear();
        shelf = await inner.findOneOrFail(Shelf, 1, options);
        expect([shelf.deletedAt, shelf.books[0].deletedAt]).toEqual([expect.any(Date), expect.any(Date)]);
      }),
    );
    const held = em.getReference(Shelf, 1);
    expect([held.deletedAt, em.getReference(Book, 1).deletedAt]).toEqual([null, null]);
    expect(await em.find(Book, {})).toHaveLength(1);
    await em.remove(held).flush();
    const [row] = await test.database.query(
      'select s.deleted_at = b.deleted_at as together from shelf as s, book as b',
    );
    expect(row).toEqual({ together: true });
  });

  it.each([
    ['a deletion by set', (on: any) => on.getRepository(Shelf).softDelete(1)],
    ['a removal', (on: any) => on.remove(on.getReference(Shelf, 1)).flush()],
  ] as const)(
    'are active to the entity manager for which a transaction inside has deleted them, by %s',
    async (_door, remove) => {
      const options = { filters: { softDelete: false }, populate: ['books'] };
      let shelf: any;
      await rolledBack(async () => {
        await em.transactional(remove, { clear: true });
        shelf = await em.findOneOrFail(Shelf, 1, options);
        expect([shelf.deletedAt, shelf.books[0].deletedAt]).toEqual([expect.any(Date), expect.any(Date)]);
      });
      expect([shelf.deletedAt, em.getReference(Book, 1).deletedAt]).toEqual([null, null]);
      expect(await em.find(Book, {})).toHaveLength(1);
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    },
  );
});
