import { Cascade, Collection, type Opt, type Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { Customer } from './customer.entity.js';
import { OrderLine } from './order-line.entity.js';

/** Kept for ten years after its deletion, as the tax office likes it; then its lines go with it. */
@SoftDeletable<Order>({ retention: '3650d' })
@Entity({ tableName: 'orders' })
export class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Customer, ref: true, index: true })
  customer!: Ref<Customer>;

  @Property({ type: 'timestamptz', defaultRaw: 'now()' })
  placedAt!: Opt<Date>;

  @OneToMany({ entity: () => OrderLine, mappedBy: 'order', cascade: [Cascade.ALL], orderBy: { id: 'asc' } })
  lines = new Collection<OrderLine>(this);
}
