import { Collection, type Opt } from '@mikro-orm/core';
import { Entity, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { erased, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Order } from './order.entity.js';
import { Review } from './review.entity.js';

/**
 * Closing an account takes the customer's reviews along and keeps the orders: the books need them. The email is free again
 * at once, because it is unique among active customers only. An erasure keeps the row, since orders point at it, and leaves nothing of
 * the person in it.
 */
@PersonalData<Customer>({ subject: true, fields: { email: erased.email(), name: '[erased]' } })
@SoftDeletable<Customer>({ retention: '30d', relations: { reviews: 'cascade', orders: 'keep' } })
@Entity({ tableName: 'customers' })
@ActiveUnique({ properties: ['email'] })
export class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  email!: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'timestamptz', defaultRaw: 'now()' })
  createdAt!: Opt<Date>;

  @OneToMany({ entity: () => Review, mappedBy: 'customer' })
  reviews = new Collection<Review>(this);

  @OneToMany({ entity: () => Order, mappedBy: 'customer' })
  orders = new Collection<Order>(this);
}
