import type { Opt, Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer } from './customer.entity.js';
import { Product } from './product.entity.js';

/** Deleted ones move to the archive, so that the table stays as small as what is in use. Its comment says why to the policy as well. */
@PersonalData<PageView>({ of: 'customer', erase: 'row' })
@SoftDeletable<PageView>({ strategy: 'archive', retention: '1y' })
@Entity({
  tableName: 'page_views',
  comment:
    'Written at every look at a product and swept out by the hundred thousand; may be asked for in disputes about ads.',
})
export class PageView {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Product, ref: true, index: true })
  product!: Ref<Product>;

  /** Nobody who is known, mostly. */
  @ManyToOne({ entity: () => Customer, ref: true, nullable: true, index: true, deleteRule: 'set null' })
  customer?: Ref<Customer> | null;

  /** The ad that brought the visitor here. */
  @Property({ type: 'text', nullable: true })
  ad?: string | null;

  @Property({ type: 'timestamptz', defaultRaw: 'now()', index: true })
  viewedAt!: Opt<Date>;
}
