import { Collection } from '@mikro-orm/core';
import { Entity, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { NoPersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { OrderLine } from './order-line.entity.js';
import { Review } from './review.entity.js';

/** A product that somebody ordered cannot be deleted; any other takes its reviews along. Nothing is removed for good. */
@NoPersonalData()
@SoftDeletable<Product>({ retention: 'forever', relations: { reviews: 'cascade', orderLines: 'restrict' } })
@Entity({ tableName: 'products' })
@ActiveUnique({ properties: ['name'] })
export class Product extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'integer' })
  priceInCents!: number;

  @OneToMany({ entity: () => Review, mappedBy: 'product' })
  reviews = new Collection<Review>(this);

  @OneToMany({ entity: () => OrderLine, mappedBy: 'product' })
  orderLines = new Collection<OrderLine>(this);
}
