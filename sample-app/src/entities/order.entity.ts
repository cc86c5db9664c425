import { Cascade, Collection, type Opt, type Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer } from './customer.entity.js';
import { OrderLine } from './order-line.entity.js';

/**
 * Kept for ten years after its deletion, as the tax office likes it; then its lines go with it. Where it went is kept for ten years as
 * well, whoever asks for its erasure, and overwritten then.
 */
@PersonalData<Order>({
  of: 'customer',
  fields: { shipTo: null },
  keep: { for: '10y', from: 'placedAt', ground: '§147 AO' },
})
@SoftDeletable<Order>({ retention: '3660d' })
@Entity({ tableName: 'orders' })
export class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Customer, ref: true, index: true })
  customer!: Ref<Customer>;

  @Property({ type: 'timestamptz', defaultRaw: 'now()' })
  placedAt!: Opt<Date>;

  @Property({ type: 'text', nullable: true })
  shipTo?: string | null;

  @OneToMany({ entity: () => OrderLine, mappedBy: 'order', cascade: [Cascade.ALL], orderBy: { id: 'asc' } })
  lines = new Collection<OrderLine>(this);
}
