import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { erased, NoPersonalData, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';

/** A shop: whose data it has, and what an erasure makes of it. */
@PersonalData<Customer>({
  subject: true,
  fields: { email: erased.email(), name: '[erased]', phone: null, notes: null, lastIp: null },
})
@SoftDeletable<Customer>({ deletedBy: 'deletedBy' })
@ActiveUnique<Customer>({ properties: ['email'] })
@Entity({ tableName: 'customer' })
export class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'string', nullable: true })
  phone?: string | null;

  @Property({ type: 'json', nullable: true })
  notes?: unknown;

  @Property({ columnType: 'inet', type: 'string', nullable: true })
  lastIp?: string | null;

  @Property({ type: 'string', nullable: true })
  deletedBy?: string | null;

  @Property({ type: 'number', version: true })
  version!: number;

  @ManyToOne(() => Customer, { nullable: true })
  referredBy?: Rel<Customer> | null;

  @OneToMany(() => Order, (order) => order.customer, { cascade: [Cascade.ALL] })
  orders = new Collection<Order>(this);

  @OneToMany(() => Customer, (customer) => customer.referredBy, { cascade: [Cascade.ALL] })
  referred = new Collection<Customer>(this);
}

@PersonalData<Order>({
  of: 'customer',
  fields: { shipTo: null },
  keep: { for: '10y', from: 'paidAt', ground: '§147 AO' },
  notPersonal: ['status'],
})
@SoftDeletable()
@Entity({ tableName: 'purchase' })
export class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @Property({ type: 'string', nullable: true })
  shipTo?: string | null;

  @Property({ type: 'string', default: 'new' })
  status!: string;

  @Property({ type: 'datetime', nullable: true })
  paidAt?: Date | null;
}

/** Plain rows two steps away from the customer. */
@PersonalData<Line>({ of: 'order.customer', fields: { engraving: '' } })
@Entity({ tableName: 'line' })
export class Line {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Order, { deleteRule: 'cascade' })
  order!: Rel<Order>;

  @Property({ type: 'text' })
  engraving!: string;
}

@PersonalData<Review>({ of: 'author', erase: 'row' })
@SoftDeletable({ guard: true })
@Entity({ tableName: 'review' })
export class Review extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  author!: Rel<Customer>;

  @Property({ type: 'text' })
  text!: string;

  @ManyToOne(() => Review, { nullable: true, deleteRule: 'cascade' })
  inReplyTo?: Rel<Review> | null;

  @OneToMany(() => Review, (review) => review.inReplyTo, { cascade: [Cascade.ALL] })
  replies = new Collection<Review>(this);

  @OneToMany(() => Picture, (picture) => picture.review, { cascade: [Cascade.ALL] })
  pictures = new Collection<Picture>(this);
}

/** Nobody speaks of it: it goes with its review. */
@Entity({ tableName: 'picture' })
export class Picture {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Review)
  review!: Rel<Review>;

  @Property({ type: 'string' })
  path!: string;
}

@PersonalData<Message>({ of: { sender: { body: '[erased]' }, recipient: {} } })
@Entity({ tableName: 'message' })
export class Message {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  sender!: Rel<Customer>;

  @ManyToOne(() => Customer)
  recipient!: Rel<Customer>;

  @Property({ type: 'text' })
  body!: string;
}

/** Holds what nobody expects there. */
@NoPersonalData()
@Entity({ tableName: 'visit' })
export class Visit {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @Property({ type: 'json', nullable: true })
  payload?: unknown;
}

@PersonalData<Ticket>({ of: 'customer', fields: { question: '[erased]', answer: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'ticket' })
export class Ticket {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;

  @Property({ type: 'text' })
  question!: string;

  @Property({ type: 'text', nullable: true })
  answer?: string | null;
}

/** Goes into the archive with its ticket. */
@PersonalData<Attachment>({ of: 'ticket.customer', erase: 'row' })
@Entity({ tableName: 'attachment' })
export class Attachment {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Ticket, { deleteRule: 'cascade' })
  ticket!: Rel<Ticket>;

  @Property({ type: 'string' })
  name!: string;
}

export const SHOP = [Customer, Order, Line, Review, Picture, Message, Visit, Ticket, Attachment];
