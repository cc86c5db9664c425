import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

/** A shop that is soft-deleted, with products that are archived, and everything that may point at a product. */
@SoftDeletable()
@Entity()
export class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Product, (product) => product.shop, { cascade: [Cascade.PERSIST, Cascade.REMOVE] })
  products = new Collection<Product>(this);
}

@SoftDeletable<Product>({ strategy: 'archive', retention: '30d', relations: { bookings: 'restrict' } })
@Entity()
export class Product {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Unique()
  @Property({ type: 'string', nullable: true })
  sku?: string | null;

  @ManyToOne(() => Shop)
  shop!: Rel<Shop>;

  @OneToMany(() => Variant, (variant) => variant.product, { orphanRemoval: true })
  variants = new Collection<Variant>(this);

  @OneToMany(() => Remark, (remark) => remark.product, { cascade: [Cascade.REMOVE] })
  remarks = new Collection<Remark>(this);

  @OneToMany(() => Bookmark, (bookmark) => bookmark.product)
  bookmarks = new Collection<Bookmark>(this);

  @OneToMany(() => Offer, (offer) => offer.product, { cascade: [Cascade.REMOVE] })
  offers = new Collection<Offer>(this);

  @OneToMany(() => Booking, (booking) => booking.product)
  bookings = new Collection<Booking>(this);

  @ManyToMany(() => Label, (label) => label.products, { owner: true })
  labels = new Collection<Label>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
export class Variant {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  size!: string;

  @ManyToOne(() => Product)
  product!: Rel<Product>;
}

/** Not marked: goes with its product, and comes back with it. */
@Entity()
export class Remark {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @ManyToOne(() => Product)
  product!: Rel<Product>;
}

/** Stays, and loses its key. */
@Entity()
export class Bookmark {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Product, { nullable: true, deleteRule: 'set null' })
  product?: Rel<Product> | null;
}

/** Soft-deleted with its product. */
@SoftDeletable()
@Entity()
export class Offer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Product, { nullable: true, deleteRule: 'set null' })
  product?: Rel<Product> | null;
}

@Entity()
export class Booking {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Product)
  product!: Rel<Product>;
}

@Entity()
export class Label {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany(() => Product, (product) => product.labels)
  products = new Collection<Product>(this);
}

export const SHOP = [Shop, Product, Variant, Remark, Bookmark, Offer, Booking, Label];

export const TABLES = [
  'shop',
  'product',
  'variant',
  'remark',
  'bookmark',
  'offer',
  'booking',
  'label',
  'product_labels',
] as const;
