import { Collection, type Rel, Type } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  DeletionRestrictedError,
  installSoftDelete,
  SoftDeletable,
  SoftDeletableEntity,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** `key_7` in memory, 7 in the database. */
class PrefixedId extends Type<string, number> {
  override convertToDatabaseValue(value: unknown): number {
    return typeof value === 'string' ? Number(value.slice(4)) : (value as number);
  }
  override convertToJSValue(value: unknown): string {
    return typeof value === 'string' && value.startsWith('key_') ? value : `key_${String(value)}`;
  }
  override getColumnType(): string {
    return 'int';
  }
  override compareAsType(): string {
    return 'number';
  }
}

@SoftDeletable()
@Entity()
class Shelf extends SoftDeletableEntity {
  @PrimaryKey({ type: PrefixedId })
  id!: string;
  @OneToMany(() => Book, (book) => book.shelf)
  books = new Collection<Book>(this);
  @OneToMany(() => Card, (card) => card.shelf, { orphanRemoval: true })
  cards = new Collection<Card>(this);
  @OneToMany(() => Slip, (slip) => slip.shelf, { orphanRemoval: true })
  slips = new Collection<Slip>(this);
}

/** Not soft-deletable. */
@Entity()
class Slip {
  @PrimaryKey({ type: PrefixedId })
  id!: string;
  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;
}

@SoftDeletable()
@Entity()
class Book extends SoftDeletableEntity {
  @PrimaryKey({ type: PrefixedId })
  id!: string;
  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;
}

@SoftDeletable<Card>({ relations: { stamps: 'cascade', loans: 'restrict' } })
@Entity()
class Card extends SoftDeletableEntity {
  @PrimaryKey({ type: PrefixedId })
  id!: string;
  @ManyToOne(() => Shelf, { nullable: true })
  shelf?: Rel<Shelf> | null;
  @OneToMany(() => Stamp, (stamp) => stamp.card)
  stamps = new Collection<Stamp>(this);
  @OneToMany(() => Loan, (loan) => loan.card)
  loans = new Collection<Loan>(this);
}

@SoftDeletable()
@Entity()
class Stamp extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
  @ManyToOne(() => Card)
  card!: Rel<Card>;
}

@SoftDeletable()
@Entity()
class Loan extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
  @ManyToOne(() => Card)
  card!: Rel<Card>;
}

describe(installSoftDelete.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Shelf, Book, Card, Slip, Stamp, Loan]);
  });
  beforeEach(() =>
    test.database.query(`
      truncate shelf, book, card, slip, stamp, loan;
      insert into shelf (id) values (1), (2);
      insert into book (id, shelf_id, deleted_at) values (1, 1, null), (2, 1, null), (3, 1, now()), (4, 2, null);
      insert into card (id, shelf_id, deleted_at) values (1, 1, null), (2, 1, null), (3, 1, now()), (4, 2, null)`),
  );
  afterAll(() => test.close());

  it('leaves plain rows of such a collection to the ORM, which removes them', async () => {
    await test.database.query('insert into slip (id, shelf_id) values (1, 1), (2, 1), (3, 2)');
    const em = test.orm.em.fork();
    const shelf = await em.findOneOrFail(Shelf, 'key_1');
    shelf.slips.set([em.getReference(Slip, 'key_1')]);
    test.statements.length = 0;
    await em.flush();
    expect(await test.database.query('select id, shelf_id from slip order by id')).toEqual([
      { id: 1, shelf_id: 1 },
      { id: 3, shelf_id: 2 },
    ]);
    expect(test.statements.filter((sql) => sql.includes('clock_timestamp'))).toEqual([]);
  });

  const rows = (table: string) =>
    test.database.query(`select id, shelf_id, deleted_at is not null as deleted from ${table} order by id`);

  it('lets active rows go that an unloaded collection is replaced without, whose keys are of a type of the application', async () => {
    const em = test.orm.em.fork();
    const shelf = await em.findOneOrFail(Shelf, 'key_1');
    shelf.books.set([em.getReference(Book, 'key_1')]);
    shelf.cards.set([em.getReference(Card, 'key_1')]);
    await em.flush();

    await expect(rows('book')).resolves.toEqual([
      { id: 1, shelf_id: 1, deleted: false },
      { id: 2, shelf_id: null, deleted: false },
      { id: 3, shelf_id: 1, deleted: true },
      { id: 4, shelf_id: 2, deleted: false },
    ]);
    await expect(rows('card')).resolves.toEqual([
      { id: 1, shelf_id: 1, deleted: false },
      { id: 2, shelf_id: 1, deleted: true },
      { id: 3, shelf_id: 1, deleted: true },
      { id: 4, shelf_id: 2, deleted: false },
    ]);
  });

  /** Replaces the cards of the first shelf by the first one, without having loaded them. */
  async function replaceCards(): Promise<void> {
    const em = test.orm.em.fork();
    const shelf = await em.findOneOrFail(Shelf, 'key_1');
    shelf.cards.set([em.getReference(Card, 'key_1')]);
    await em.flush();
  }

  it('deletes with those that leave by orphan removal what is behind them, as one unit', async () => {
    await test.database.query('insert into stamp (id, card_id) values (1, 1), (2, 2), (3, 3)');
    await replaceCards();
    await expect(
      test.database.query(`select s.id, s.deleted_at is not null as deleted, s.deleted_at = c.deleted_at as together
        from stamp as s join card as c on c.id = s.card_id order by s.id`),
    ).resolves.toEqual([
      { id: 1, deleted: false, together: null },
      { id: 2, deleted: true, together: true },
      { id: 3, deleted: false, together: null },
    ]);
  });

  it('refuses to let those go that an active row behind them holds', async () => {
    await test.database.query('insert into loan (id, card_id) values (1, 2)');
    await expect(replaceCards()).rejects.toThrow(DeletionRestrictedError);
    expect((await rows('card')).map(({ deleted }) => deleted)).toEqual([false, false, true, false]);
  });
});
