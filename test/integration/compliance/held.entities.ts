import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';

const OWNED = { cascade: [Cascade.ALL] };

@PersonalData<Customer>({ subject: true, fields: {} })
@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'customer' })
export class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Order, (order) => order.customer, OWNED)
  orders = new Collection<Order>(this);

  @OneToMany(() => Contract, (contract) => contract.customer, OWNED)
  contracts = new Collection<Contract>(this);
}

@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'purchase' })
export class Order extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer, { deleteRule: 'cascade' })
  customer!: Rel<Customer>;

  @OneToMany(() => Line, (line) => line.order, OWNED)
  lines = new Collection<Line>(this);

  @OneToMany(() => Note, (note) => note.order, OWNED)
  notes = new Collection<Note>(this);
}

/** Not soft-deletable: it goes with its order, or with its product. */
@Entity({ tableName: 'line' })
export class Line {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Order, { deleteRule: 'cascade' })
  order!: Rel<Order>;

  @ManyToOne(() => Product, { deleteRule: 'cascade', nullable: true })
  product?: Rel<Product> | null;
}

/** Not soft-deletable either, and of its order alone. */
@Entity({ tableName: 'note' })
export class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Order, { deleteRule: 'cascade' })
  order!: Rel<Order>;
}

@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'product' })
export class Product extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Nothing cascades to it, but it is somebody's. */
@PersonalData<Complaint>({ of: 'customer', fields: {} })
@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'complaint' })
export class Complaint extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer)
  customer!: Rel<Customer>;
}

/** The root's table is guarded, its relation is on the table of a class below. */
@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'document', inheritance: 'tpt' })
export class Document extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;
}

@Entity({ tableName: 'contract' })
export class Contract extends Document {
  @ManyToOne(() => Customer, { deleteRule: 'cascade' })
  customer!: Rel<Customer>;
}

/** A tree over a key of two columns, one of which has another text in ISO format than in most sessions. */
@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'Folder Tree', schema: 'papers' })
export class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'datetime', columnType: 'timestamptz(6)' })
  at!: Date;

  @PrimaryKey({ type: 'string', columnType: 'varchar(20)' })
  name!: string;

  @ManyToOne(() => Folder, { nullable: true, deleteRule: 'cascade' })
  parent?: Rel<Folder> | null;

  @OneToMany(() => Folder, (folder) => folder.parent, OWNED)
  children = new Collection<Folder>(this);

  @OneToMany(() => Car, (car) => car.folder, OWNED)
  cars = new Collection<Car>(this);
}

@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'vehicle', discriminatorColumn: 'kind', discriminatorValue: 'vehicle' })
export class Vehicle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @ManyToMany(() => Tag, undefined, { ...OWNED, pivotTable: 'vehicle_tag', owner: true })
  tags = new Collection<Tag>(this);
}

@Entity({ discriminatorValue: 'car' })
export class Car extends Vehicle {
  @ManyToOne(() => Folder, { nullable: true, deleteRule: 'cascade' })
  folder?: Rel<Folder> | null;
}

@SoftDeletable({ guard: true, retention: '1d' })
@Entity({ tableName: 'tag' })
export class Tag extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

export const HELD_ENTITIES = [
  Customer,
  Order,
  Line,
  Note,
  Product,
  Complaint,
  Document,
  Contract,
  Folder,
  Vehicle,
  Car,
  Tag,
];

/** One statement for all, so that each test begins with the same rows. */
export const HELD_ROWS = `
  truncate customer, purchase, line, note, product, complaint, document, contract, papers."Folder Tree", vehicle, vehicle_tag, tag,
    deletion_record, legal_hold, legal_hold_row restart identity cascade;
  insert into customer select from generate_series(1, 3);
  insert into purchase (customer_id) values (1), (1), (2), (3);
  insert into product select from generate_series(1, 3);
  insert into line (order_id, product_id) values (1, 1), (2, 1), (3, 2), (4, null);
  insert into note (order_id) values (1), (2), (3);
  insert into complaint (customer_id) values (2), (2), (2);
  insert into document (id) select ('00000000-0000-0000-0000-00000000000' || n)::uuid from generate_series(1, 3) as n;
  insert into contract (id, customer_id) values ('00000000-0000-0000-0000-000000000001', 1), ('00000000-0000-0000-0000-000000000002', 2);
  insert into papers."Folder Tree" ("at", "name", parent_at, parent_name) values
    ('2024-05-01 10:00:00.123+02', 'top', null, null), ('2024-05-02', 'in "it"', '2024-05-01 10:00:00.123+02', 'top'),
    ('2024-05-03', 'deep', '2024-05-02', 'in "it"'), ('2024-05-04', 'other', null, null);
  insert into vehicle (kind, folder_at, folder_name) values ('car', '2024-05-03', 'deep'), ('car', null, null), ('vehicle', null, null);
  insert into tag select from generate_series(1, 3);
  insert into vehicle_tag (vehicle_id, tag_id) values (1, 1), (2, 2), (3, 2)`;
