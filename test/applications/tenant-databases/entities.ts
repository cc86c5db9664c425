import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

@SoftDeletable({ retention: '30d' })
@ActiveUnique({ properties: ['email'] })
@Entity()
export class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  email!: string;

  @OneToMany(() => Invoice, (invoice) => invoice.customer, { cascade: [Cascade.PERSIST, Cascade.REMOVE] })
  invoices = new Collection<Invoice>(this);
}

@SoftDeletable({ retention: '30d' })
@Entity()
export class Invoice extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  number!: string;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;
}
