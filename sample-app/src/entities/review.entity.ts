import type { Opt, Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer } from './customer.entity.js';
import { Product } from './product.entity.js';

/** One active review per customer and product: who deletes theirs may write another. An erasure removes them. */
@PersonalData<Review>({ of: 'customer', erase: 'row' })
@SoftDeletable<Review>({ retention: '30d' })
@Entity({ tableName: 'reviews' })
@ActiveUnique({ properties: ['customer', 'product'] })
export class Review extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Customer, ref: true, index: true })
  customer!: Ref<Customer>;

  @ManyToOne({ entity: () => Product, ref: true, index: true })
  product!: Ref<Product>;

  @Property({ type: 'smallint' })
  rating!: number;

  @Property({ type: 'text' })
  text!: string;

  @Property({ type: 'timestamptz', defaultRaw: 'now()' })
  createdAt!: Opt<Date>;
}
