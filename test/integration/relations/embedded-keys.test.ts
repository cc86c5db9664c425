import type { Rel } from '@mikro-orm/core';
import { Embeddable, Embedded, Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '30d' })
@Entity()
class Publisher extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  group!: number;

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@Embeddable()
class House {
  @ManyToOne({ entity: () => Publisher, nullable: true, deleteRule: 'cascade' })
  publisher?: Rel<Publisher> | null;
}

/** Embeds what holds a key itself. */
@Embeddable()
class Imprint {
  @Embedded({ entity: () => House, nullable: true })
  house?: House | null;

  @ManyToOne({ entity: () => Publisher, nullable: true })
  printer?: Rel<Publisher> | null;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Book extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Embedded({ entity: () => Imprint, nullable: true })
  imprint?: Imprint | null;
}

/** Not soft-deletable. */
@Entity()
class Contract {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Embedded({ entity: () => House, prefix: 'with_', nullable: true })
  house?: House | null;
}

const OLD = `now() - interval '1 year'`;

describe('A key inside an embeddable', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Publisher, Book, Contract, Imprint, House]);
  });
  afterAll(() => test.close());

  // The first publisher has a book, and prints another; the second one's book is printed by the first.
  beforeEach(() =>
    test.database.query(`
      truncate publisher, book, contract;
      insert into publisher ("group", id, name) values (1, 1, 'one'), (1, 2, 'two');
      insert into book (id, imprint_house_publisher_group, imprint_house_publisher_id, imprint_printer_group, imprint_printer_id) values
        (1, 1, 1, null, null), (2, 1, 2, 1, 1), (3, null, null, null, null)`),
  );

  const publishers = () => new SoftDeleteRepository(test.orm.em.fork(), Publisher);
  const ids = async (table: string, where: string) =>
    (await test.database.query(`select id from ${table} where ${where} order by id`)).map(({ id }) => id as number);
  const isDeleted = 'deleted_at is not null';
  const first = { group: 1, id: 1 };

  it.each([
    ['softDelete()', () => publishers().softDelete(first)],
    [
      'em.remove()',
      async () => {
        const em = test.orm.em.fork();
        await em.remove(await em.findOneOrFail(Publisher, first)).flush();
      },
    ],
    [
      'em.remove() with the rows in memory',
      async () => {
        const em = test.orm.em.fork();
        const books = await em.find(Book, {}, { populate: ['imprint.house.publisher'] });
        await em.remove(books[0]!.imprint!.house!.publisher!).flush();
        expect(books.map(({ deletedAt }) => deletedAt instanceof Date)).toEqual([true, false, false]);
        await em.flush();
      },
    ],
  ])('takes rows along with the row that it references, by %s, and restores them', async (_, remove) => {
    await remove();
    expect(await ids('book', isDeleted)).toEqual([1]);
    expect(await ids('publisher', isDeleted)).toEqual([1]);
    const [units] = await test.database.query(
      `select count(distinct deleted_at)::int as units from (select deleted_at from book union all select deleted_at from publisher) as a`,
    );
    expect(units).toEqual({ units: 1 });

    await publishers().restore(first);
    expect(await ids('book', isDeleted)).toEqual([]);
    expect(await ids('publisher', isDeleted)).toEqual([]);
    expect(await ids('book', 'imprint_printer_id = 1 and imprint_house_publisher_id = 2')).toEqual([2]);
  });

  it('still leads to a deleted row, and to rows by a condition on it', async () => {
    await test.database.query(`update publisher set deleted_at = now() where id = 1`);
    for (const strategy of ['joined', 'select-in', 'balanced'] as const) {
      const em = test.orm.em.fork();
      const books = await em.find(Book, { id: 2 }, { populate: ['imprint.printer'], strategy });
      expect(books[0]?.imprint?.printer?.name).toBe('one');
      expect(await em.count(Book, { imprint: { printer: { name: 'one' } } })).toBe(1);
    }
  });

  it('keeps a book from coming back without its publisher', async () => {
    await publishers().softDelete(first);
    const restore = new SoftDeleteRepository(test.orm.em.fork(), Book).restore({ id: 1 });
    await expect(restore).rejects.toThrow(RestoreConflictError);
    await expect(restore).rejects.toMatchObject({
      conflicts: [{ reason: 'parent-deleted', entity: 'Book', key: 1, conflictingKey: [1, 1] }],
    });
    expect(await ids('book', isDeleted)).toEqual([1]);
  });

  it('keeps what it references from being removed', async () => {
    await expect(publishers().hardDelete(first)).rejects.toMatchObject({
      restrictions: [{ relation: 'book_imprint_printer_group_imprint_printer_id_foreign', count: 1 }],
    });
    await expect(publishers().hardDelete(first)).rejects.toThrow(DeletionRestrictedError);
    await test.database.query(`update book set imprint_printer_group = null, imprint_printer_id = null`);
    expect(await publishers().hardDelete(first)).toBe(2);
    expect(await ids('book', 'true')).toEqual([2, 3]);
  });

  it('blocks the purge, or goes along', async () => {
    await test.database.query(`
      insert into contract (id, with_publisher_group, with_publisher_id) values (1, 1, 1), (2, 1, 2);
      update publisher set deleted_at = ${OLD};
      update book set deleted_at = ${OLD} where id = 1`);
    const purge = createPurge(test.orm);
    const { entities } = await purge.run();
    expect(entities.map(({ entity, purged, blocked }) => [entity, purged, blocked])).toEqual([
      ['Book', 1, 0],
      ['Publisher', 0, 2],
    ]);
    expect(await ids('contract', 'true')).toEqual([1, 2]);

    await test.database.query(`update book set deleted_at = ${OLD}`);
    expect((await purge.run()).total).toBe(4);
    expect(await ids('contract', 'true')).toEqual([]);
  });

  it('keeps a plain row from taking soft-deletable ones along', async () => {
    await test.database.query(`insert into contract (id, with_publisher_group, with_publisher_id) values (1, 1, 1)`);
    await publishers().softDelete(first);
    // Plain rows stay with their key: nothing has been removed.
    expect(await ids('contract', 'with_publisher_id = 1')).toEqual([1]);
  });
});
