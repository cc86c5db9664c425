import { Cascade, Collection, type Dictionary, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, Filter, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

/** Customers of several tenants with orders, and what must never be seen. */
@SoftDeletable({ retention: '30d' })
@Entity()
@ActiveUnique({ properties: ['email'] })
@Filter({ name: 'tenant', cond: (args?: Dictionary) => args ?? {}, default: true, args: false })
export class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  email!: string;

  @Property({ type: 'text', default: 'one' })
  tenant!: Opt<string>;

  @Property({ type: 'integer', nullable: true })
  points?: number | null;

  @Property({ type: 'text', hidden: true, default: 'hidden-secret' })
  password!: Opt<string>;

  @Property({ type: 'text', lazy: true, default: 'lazy-secret' })
  notes!: Opt<string>;

  @OneToMany(() => Order, (order) => order.customer, { cascade: [Cascade.ALL] })
  orders = new Collection<Order>(this);
}

@SoftDeletable()
@Entity()
export class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @OneToMany(() => Invoice, (invoice) => invoice.order)
  invoices = new Collection<Invoice>(this);

  @OneToMany(() => Stamp, (stamp) => stamp.order, { cascade: [Cascade.ALL] })
  stamps = new Collection<Stamp>(this);
}

/** Not soft-deletable either: it stays until its order is removed for good. */
@Entity()
export class Stamp {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Order)
  order!: Rel<Order>;
}

/** Not soft-deletable: it keeps the order that it is about. */
@Entity()
export class Invoice {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Order)
  order!: Rel<Order>;
}

/** A composite key of text, with anything in it. */
@SoftDeletable()
@Entity()
export class Seat extends SoftDeletableEntity {
  @PrimaryKey({ type: 'text' })
  room!: string;

  @PrimaryKey({ type: 'integer' })
  place!: number;
}

@SoftDeletable()
@Entity()
export class Secret extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid', defaultRaw: 'gen_random_uuid()' })
  id!: Opt<string>;

  @Property({ type: 'text' })
  name!: string;
}

export const OFFICES = [Customer, Order, Invoice, Stamp, Seat, Secret];
