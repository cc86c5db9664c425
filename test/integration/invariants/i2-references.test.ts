import { Collection, DataloaderType, type Ref, type Rel } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  Enum,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { inScope } from '../../support/in-scope.js';
import { Book, Chapter, LIBRARY, Passport } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ property: 'removedAt' })
@Entity()
class Customer {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'timestamptz', nullable: true })
  removedAt?: Date;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Order, (order) => order.customer)
  orders = new Collection<Order>(this);
}

@Embeddable()
class Delivery {
  @Property({ type: 'string', nullable: true })
  street?: string;

  @ManyToOne(() => Customer, { nullable: true })
  recipient?: Rel<Customer> | null;
}

@SoftDeletable()
@Entity()
class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  /** Declared before all others and opted out: a customer that is deleted reads as none. */
  @ManyToOne(() => Customer, { nullable: true, filters: { softDelete: true } })
  auditor?: Rel<Customer> | null;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @ManyToOne(() => Customer, { nullable: true, ref: true })
  payer?: Ref<Customer> | null;

  @ManyToOne(() => Customer, { nullable: true, filters: ['softDelete'] })
  approver?: Rel<Customer> | null;

  @ManyToOne(() => Customer, { nullable: true })
  agent?: Rel<Customer> | null;

  @Embedded(() => Delivery)
  delivery = new Delivery();

  @OneToOne(() => Invoice, { nullable: true })
  invoice?: Rel<Invoice> | null;

  @ManyToMany(() => Customer)
  watchers = new Collection<Customer>(this);

  @ManyToMany({ entity: () => Customer, filters: { softDelete: false } })
  allWatchers = new Collection<Customer>(this);
}

@SoftDeletable()
@Entity({ discriminatorColumn: 'kind', abstract: true, discriminatorMap: { proforma: 'Proforma' } })
abstract class Invoice extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Enum({ items: () => ['proforma'] })
  kind!: string;

  @Property({ type: 'string' })
  number!: string;
}

@Entity({ discriminatorValue: 'proforma' })
class Proforma extends Invoice {}

/** A plain entity that likes an order or a customer. */
@Entity()
class Like {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => [Customer, Invoice] as never)
  target!: Rel<Customer> | Rel<Invoice>;
}

describe('I2: references keep resolving', () => {
  describe('in the library', () => {
    let test: TestOrm;
    let em: EntityManager;

    beforeAll(async () => {
      test = await createTestOrm(LIBRARY, { dataloader: DataloaderType.NONE });
      await test.database.query(`
        insert into author (name, deleted_at) values ('Ada', null), ('Bob', now());
        insert into book (title, author_id, deleted_at) values ('one', 2, null), ('two', 2, now());
        insert into chapter (title, book_id) values ('c', 2);
        insert into passport (number, author_id) values ('P', 2);
      `);
    });
    beforeEach(() => {
      em = test.orm.em.fork() as EntityManager;
      test.statements.length = 0;
    });
    afterAll(() => test.close());

    it.each(['joined', 'select-in', 'balanced'] as const)('populates a deleted row, %s', async (strategy) => {
      const [book] = await em.find(Book, {}, { populate: ['author'], strategy });
      expect(book!.author.name).toBe('Bob');
      const [chapter] = await em.fork().find(Chapter, {}, { populate: ['book.author'], strategy });
      expect([chapter!.book.title, chapter!.book.author.name]).toEqual(['two', 'Bob']);
      const [passport] = await em.fork().find(Passport, {}, { populate: ['author'], strategy });
      expect(passport!.author!.name).toBe('Bob');
    });

    it.each(['joined', 'select-in', 'balanced'] as const)(
      'filters again behind a deleted row, %s',
      async (strategy) => {
        const [chapter] = await em.find(Chapter, {}, { populate: ['book.author.books.chapters'], strategy });
        expect(chapter!.book.author.books.getIdentifiers()).toEqual([1]);
      },
    );

    it('joins nothing for a reference that is not populated', async () => {
      const [book] = await em.find(Book, {});
      expect(book!.author.id).toBe(2);
      await em.count(Book, {});
      await em.fork().find(Book, {}, { fields: ['title', 'author'] });
      expect(test.statements).toHaveLength(3);
      expect(test.statements.filter((sql) => sql.includes('join'))).toEqual([]);
    });

    it('finds and counts by what a deleted row holds', async () => {
      const where = { author: { name: 'Bob' } };
      expect(await em.find(Book, where)).toHaveLength(1);
      expect(await em.count(Book, where)).toBe(1);
      expect(await em.countBy(Book, 'author', { where })).toEqual({ 2: 1 });
      expect(await em.find(Book, { author: 2 })).toHaveLength(1);
      const books = em.getRepository(Book) as SoftDeleteRepository<Book>;
      expect(await books.qb('b').innerJoinAndSelect('b.author', 'a').where({ 'a.name': 'Bob' }).getCount()).toBe(1);
      const [joined] = await books.qb('b').leftJoinAndSelect('b.author', 'a').getResultList();
      expect((joined as Book).author.name).toBe('Bob');
    });

    it('loads some fields of it', async () => {
      const [book] = await em.find(Book, {}, { fields: ['title', 'author.name'] });
      expect(book!.author.name).toBe('Bob');
    });

    it('streams it', async () => {
      for await (const book of em.stream(Book, { populate: ['author'] })) {
        expect(book.author.name).toBe('Bob');
      }
    });
  });

  describe('in mappings of every kind', () => {
    let test: TestOrm;
    let em: EntityManager;

    beforeAll(async () => {
      test = await createTestOrm([Customer, Delivery, Order, Invoice, Proforma, Like]);
      await test.database.query(`
        insert into customer (name, removed_at) values ('active', null), ('deleted', now());
        insert into invoice (kind, number, deleted_at) values ('proforma', 'I', now());
        insert into "order" (auditor_id, customer_id, payer_id, approver_id, agent_id, delivery_recipient_id, invoice_id)
          values (2, 2, 2, 2, 2, 2, 1);
        insert into order_watchers (order_id, customer_id) values (1, 1), (1, 2);
        insert into order_all_watchers (order_id, customer_id) values (1, 1), (1, 2);
        insert into "like" (target_type, target_id) values ('customer', 2), ('invoice', 1);
      `);
    });
    beforeEach(() => {
      em = test.orm.em.fork() as EntityManager;
      test.statements.length = 0;
    });
    afterAll(() => test.close());

    it('resolves each relation by its own rule, whatever is declared around it', async () => {
      const order = await em.findOneOrFail(Order, 1);
      expect([order.auditor, order.approver]).toEqual([null, null]);
      expect([order.customer.id, order.payer!.id, order.agent!.id, order.delivery.recipient!.id]).toEqual([2, 2, 2, 2]);
      expect(order.invoice!.id).toBe(1);
    });

    it.each(['joined', 'select-in', 'balanced'] as const)('populates all of them at once, %s', async (strategy) => {
      const order = await em.findOneOrFail(Order, 1, {
        populate: [
          'auditor',
          'customer.orders',
          'payer',
          'approver',
          'agent',
          'delivery.recipient',
          'invoice',
          'watchers',
          'allWatchers',
        ],
        strategy,
      });
      expect([order.auditor, order.approver]).toEqual([null, null]);
      expect(order.customer.name).toBe('deleted');
      expect(order.customer.orders.getIdentifiers()).toEqual([1]);
      expect(order.payer!.$.name).toBe('deleted');
      expect(order.agent!.name).toBe('deleted');
      expect(order.delivery.recipient!.name).toBe('deleted');
      expect(order.invoice).toBeInstanceOf(Proforma);
      expect(order.invoice!.number).toBe('I');
      expect(order.watchers.getIdentifiers()).toEqual([1]);
      expect(order.allWatchers.getIdentifiers().toSorted()).toEqual([1, 2]);
    });

    it('counts and matches of a collection that shows every row what it loads', async () => {
      const order = await em.findOneOrFail(Order, 1);
      expect(await order.allWatchers.loadCount()).toBe(2);
      expect((await order.allWatchers.matching({})).map(({ id }) => id).toSorted()).toEqual([1, 2]);
      expect((await order.allWatchers.loadItems()).map(({ id }) => id).toSorted()).toEqual([1, 2]);
      const { allWatchers } = await em.fork().findOneOrFail(Order, 1);
      expect((await allWatchers.loadItems({ dataloader: true })).map(({ id }) => id).toSorted()).toEqual([1, 2]);
      expect(await order.watchers.loadCount()).toBe(1);
      expect((await order.watchers.matching({})).map(({ id }) => id)).toEqual([1]);
      await test.database.query('update "order" set deleted_at = now()');
      try {
        const deleted = await em.fork().findOneOrFail(Order, 1, { filters: { softDelete: false } });
        expect([await deleted.allWatchers.loadCount(), await deleted.watchers.loadCount()]).toEqual([2, 1]);
      } finally {
        await test.database.query('update "order" set deleted_at = null');
      }
    });

    it.each([false, true])('resolves a reference in the scope of deleted rows, dataloader %s', async (dataloader) => {
      const order = await em.findOneOrFail(Order, 1);
      await test.database.query('update customer set removed_at = null where id = 2');
      try {
        const payer = await inScope(em, 'only', () => order.payer!.load({ dataloader }));
        expect(payer?.name).toBe('deleted');
      } finally {
        await test.database.query('update customer set removed_at = now() where id = 2');
      }
    });

    it('writes nothing about what it hid', async () => {
      await em.find(Order, {}, { populate: ['auditor', 'approver', 'watchers'] });
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });

    it.each([false, true])('loads a reference, dataloader %s', async (dataloader) => {
      const order = await em.findOneOrFail(Order, 1);
      expect((await order.payer!.load({ dataloader }))!.name).toBe('deleted');
      expect((await em.fork().findOneOrFail(Order, 1)).payer!.isInitialized()).toBe(false);
    });

    it.each(['joined', 'select-in'] as const)(
      'resolves a reference to one of several entities, %s',
      async (strategy) => {
        const likes = await em.find(Like, {}, { populate: ['target'], strategy, orderBy: { id: 1 } });
        expect((likes[0]!.target as Customer).name).toBe('deleted');
        expect((likes[1]!.target as Invoice).number).toBe('I');
      },
    );

    it('applies a filter that the query itself names to everything that it reads', async () => {
      const order = await em
        .findOneOrFail(Order, { id: 1 }, { populate: ['agent'], filters: { softDelete: true } })
        .catch(() => null);
      expect(order?.agent ?? null).toBeNull();
    });
  });
});
