import { Cascade, Collection, OptimisticLockError, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

function family(name: string, version: Record<string, unknown>) {
  @SoftDeletable()
  @Entity({ tableName: `${name}_shelf` })
  class Shelf extends SoftDeletableEntity {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: 'string' })
    name!: string;

    @Property({ ...version, version: true } as never)
    version!: any;

    @OneToMany(() => Book, (book) => book.shelf, { cascade: [Cascade.REMOVE] })
    books = new Collection<Book>(this);
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_book` })
  class Book extends SoftDeletableEntity {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: 'string' })
    name!: string;

    @Property({ ...version, version: true } as never)
    version!: any;

    @ManyToOne(() => Shelf)
    shelf!: Rel<Shelf>;
  }

  return { name, classes: { Shelf, Book } as Record<string, any> };
}

const KINDS = [
  family('counted', { type: 'integer' }),
  family('timed', { type: 'Date', length: 3 }),
  family('local', { type: 'Date', columnType: 'timestamp(3)' }),
];

type Door = (em: any, shelf: any, Shelf: any) => Promise<unknown>;

const DOORS: Record<string, Door> = {
  'em.remove()': (em, shelf) => em.remove(shelf).flush(),
  'softDelete()': (em, shelf, Shelf) => em.getRepository(Shelf).softDelete(shelf),
};

describe.each(KINDS)('versions of managed entities, $name', ({ name, classes }) => {
  let test: TestOrm;
  const { Shelf, Book } = classes;

  beforeAll(async () => {
    test = await createTestOrm(Object.values(classes));
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    const version = name === 'counted' ? '1' : `'2026-01-02 03:04:05.678'`;
    await test.database.query(`delete from ${name}_book; delete from ${name}_shelf;
      insert into ${name}_shelf (id, name, version) values (1, 'shelf', ${version});
      insert into ${name}_book (id, name, version, shelf_id) values (1, 'book', ${version}, 1)`);
  });

  async function load() {
    const em: any = test.orm.em.fork();
    const shelf = await em.findOneOrFail(Shelf, 1, { populate: ['books'] });
    return { em, shelf, book: shelf.books[0] };
  }
  /** Whether memory has the versions of the rows, and the next change of each is saved. */
  async function expectInStep({ em, shelf, book }: Awaited<ReturnType<typeof load>>): Promise<void> {
    const fresh: any = test.orm.em.fork();
    const options = { filters: { softDelete: false } };
    expect([shelf.version, book.version]).toEqual([
      (await fresh.findOneOrFail(Shelf, 1, options)).version,
      (await fresh.findOneOrFail(Book, 1, options)).version,
    ]);
    shelf.name += '!';
    book.name += '!';
    await em.flush();
    const rows = await test.database.query(
      `select s.name || b.name as names from ${name}_shelf as s, ${name}_book as b`,
    );
    expect(rows).toEqual([{ names: shelf.name + book.name }]);
  }

  describe.each(Object.keys(DOORS))('by %s', (door) => {
    it('are those of the rows once these are deleted', async () => {
      const held = await load();
      await DOORS[door]!(held.em, held.shelf, Shelf);
      await expectInStep(held);
    });

    it('are those of the rows once these are restored', async () => {
      const held = await load();
      await DOORS[door]!(held.em, held.shelf, Shelf);
      await held.em.getRepository(Shelf).restore(1);
      await expectInStep(held);
    });

    it('are what they were once the deletion is rolled back', async () => {
      const held = await load();
      const work = held.em.transactional(
        async (inner: any) => {
          await DOORS[door]!(inner, held.shelf, Shelf);
          throw new Error('not after all');
        },
        { clear: false },
      );
      await expect(work).rejects.toThrow('not after all');
      await expectInStep(held);
    });

    it('are what they were once the restoration is rolled back', async () => {
      const held = await load();
      await DOORS[door]!(held.em, held.shelf, Shelf);
      const work = held.em.transactional(async (inner: any) => {
        await inner.getRepository(Shelf).restore(1);
        throw new Error('not after all');
      });
      await expect(work).rejects.toThrow('not after all');
      await expectInStep(held);
    });

    // Nobody can tell of a time what it was before.
    if (name !== 'counted') {
      return;
    }
    it('still tell what somebody else has changed before', async () => {
      const em: any = test.orm.em.fork();
      const [book, shelf] = [await em.findOneOrFail(Book, 1), await em.findOneOrFail(Shelf, 1)];
      const other = await load();
      other.book.name = 'theirs';
      await other.em.flush();
      await DOORS[door]!(em, shelf, Shelf);
      await em.getRepository(Shelf).restore(1);
      expect(book.name).toBe('book');
      book.name = 'ours';
      await expect(em.flush()).rejects.toThrow(OptimisticLockError);
    });
  });
});
