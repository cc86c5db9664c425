import type { Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { NoPersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Order } from './order.entity.js';
import { Product } from './product.entity.js';

/** A part of its order, not deleted on its own: a plain entity. */
@NoPersonalData()
@Entity({ tableName: 'order_lines' })
export class OrderLine {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Order, ref: true, index: true })
  order!: Ref<Order>;

  @ManyToOne({ entity: () => Product, ref: true, index: true })
  product!: Ref<Product>;

  @Property({ type: 'integer' })
  quantity!: number;

  /** The price at the time of the order. */
  @Property({ type: 'integer' })
  unitPriceInCents!: number;
}
