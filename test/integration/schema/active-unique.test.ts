import { defineEntity, p, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveIndex,
  activeIndex,
  ActiveUnique,
  activeUnique,
  activeView,
  SoftDeletable,
  softDeletable,
  SoftDeletableEntity,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm } from '../../support/orm.js';
import { indexesOf } from './table-objects.js';

@ActiveUnique<Account>({ properties: ['tenant', 'slug'], name: 'account_slug' })
@ActiveIndex<Account>({ properties: ['tenant', 'name'] })
@SoftDeletable()
@Entity()
class Account extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  tenant!: number;

  @Property({ type: 'string' })
  slug!: string;

  @ActiveUnique()
  @Property({ type: 'string', fieldName: 'mail_address' })
  email!: string;

  @ActiveIndex()
  @Property({ type: 'string' })
  name!: string;
}

@SoftDeletable({ property: 'removedAt' })
@Entity({ schema: 'billing', tableName: 'invoices' })
class Invoice {
  @PrimaryKey({ type: 'number' })
  tenant!: number;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @Property({ type: 'Date', nullable: true, fieldName: 'removed' })
  removedAt?: Date;

  @Property({ type: 'string' })
  @ActiveUnique({ where: { draft: false } })
  reference!: string;

  @Property({ type: 'boolean' })
  draft: boolean & Opt = false;
}

@ActiveUnique({ properties: 'account', name: 'profile_account' })
@SoftDeletable({ purgeIndex: false })
@Entity()
class Profile extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Account)
  account!: Rel<Account>;

  @OneToOne(() => Account, { nullable: true, unique: true })
  kept?: Rel<Account>;

  @ActiveUnique({ name: 'profile_invoice' })
  @OneToOne(() => Invoice)
  invoice!: Rel<Invoice>;
}

/** The mark is inherited, and the decorator below the property's runs before it. */
@SoftDeletable()
@Entity({ abstract: true })
abstract class Base extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@Entity()
class Badge extends Base {
  @OneToOne(() => Account)
  @ActiveUnique()
  account!: Rel<Account>;
}

@Entity({ discriminatorColumn: 'kind', abstract: true })
@ActiveUnique({ properties: ['plate'] })
@SoftDeletable()
abstract class Vehicle extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'string' })
  plate!: string;
}

@Entity({ discriminatorValue: 'car' })
class Car extends Vehicle {
  @Property({ type: 'string' })
  @ActiveUnique()
  chassis!: string;
}

@Entity({ inheritance: 'tpt' })
@SoftDeletable()
class Device extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ActiveUnique()
  @Property({ type: 'string' })
  serial!: string;
}

@Entity()
class Phone extends Device {
  @Property({ type: 'string' })
  imei!: string;
}

const TagSchema = activeIndex(
  softDeletable(
    activeUnique(
      defineEntity({
        name: 'Tag',
        extends: SoftDeletableEntity,
        properties: { id: p.integer().primary(), label: p.string(), owner: () => p.oneToOne(Account) },
      }),
      { properties: ['label'] },
    ),
  ),
  { properties: 'owner' },
);

/** They name each other, so two of them are named before they are defined. */
const HouseSchema = defineEntity({
  name: 'House',
  properties: {
    id: p.integer().primary(),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    keeper: () => p.oneToOne(KeeperSchema),
    cellar: () => p.oneToOne(KeeperSchema).nullable(),
    deed: () => p.oneToOne(KeeperSchema).unique(),
    rooms: () => p.oneToMany(RoomSchema).mappedBy('house'),
  },
});
activeView(HouseSchema);
activeIndex(softDeletable(HouseSchema), { properties: 'deed', name: 'house_deed' });
activeUnique(HouseSchema, { properties: 'cellar', name: 'house_cellar' });

const KeeperSchema = defineEntity({ name: 'Keeper', properties: { id: p.integer().primary() } });

const RoomSchema = defineEntity({
  name: 'Room',
  properties: {
    id: p.integer().primary(),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    house: () => p.manyToOne(HouseSchema),
  },
});
softDeletable(RoomSchema);

const ENTITIES = [
  Account,
  Invoice,
  Profile,
  Base,
  Badge,
  Vehicle,
  Car,
  Device,
  Phone,
  TagSchema,
  HouseSchema,
  KeeperSchema,
  RoomSchema,
];

describe('@ActiveUnique()', () => {
  let test: Awaited<ReturnType<typeof createTestOrm>>;

  beforeAll(async () => {
    test = await createTestOrm(ENTITIES);
  });

  afterAll(() => test.close());

  it('makes properties unique among active rows, alone and together, with their own names and columns', async () => {
    expect(await indexesOf(test.database, 'account')).toEqual({
      account_deleted_at_id_index:
        'INDEX account_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      account_mail_address_unique:
        'UNIQUE INDEX account_mail_address_unique on btree (mail_address) WHERE (deleted_at IS NULL)',
      account_name_index: 'INDEX account_name_index on btree (name) WHERE (deleted_at IS NULL)',
      account_slug: 'UNIQUE INDEX account_slug on btree (tenant, slug) WHERE (deleted_at IS NULL)',
      account_tenant_name_index: 'INDEX account_tenant_name_index on btree (tenant, name) WHERE (deleted_at IS NULL)',
    });
  });

  it('follows a property, a column and a schema of the own, a composite key and a further condition', async () => {
    expect(await indexesOf(test.database, 'billing.invoices')).toEqual({
      invoices_reference_unique:
        'UNIQUE INDEX invoices_reference_unique on btree (reference) WHERE ((draft = false) AND (removed IS NULL))',
      invoices_removed_tenant_number_index:
        'INDEX invoices_removed_tenant_number_index on btree (removed, tenant, number) WHERE (removed IS NOT NULL)',
    });
  });

  it('leaves alone until discovery what schemas say about entities that are defined later', async () => {
    expect(await indexesOf(test.database, 'house')).toEqual({
      house_deed: 'INDEX house_deed on btree (deed_id) WHERE (deleted_at IS NULL)',
      house_cellar: 'UNIQUE INDEX house_cellar on btree (cellar_id) WHERE (deleted_at IS NULL)',
      house_deed_id_unique: 'UNIQUE INDEX house_deed_id_unique on btree (deed_id)',
      house_deleted_at_id_index:
        'INDEX house_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      house_keeper_id_unique: 'UNIQUE INDEX house_keeper_id_unique on btree (keeper_id) WHERE (deleted_at IS NULL)',
    });
  });

  it('takes the place of the unique constraint on the key of an owning one-to-one relation', async () => {
    expect(await indexesOf(test.database, 'profile')).toEqual({
      profile_account: 'UNIQUE INDEX profile_account on btree (account_id) WHERE (deleted_at IS NULL)',
      profile_invoice:
        'UNIQUE INDEX profile_invoice on btree (invoice_tenant, invoice_number) WHERE (deleted_at IS NULL)',
      profile_kept_id_unique: 'UNIQUE INDEX profile_kept_id_unique on btree (kept_id)',
    });
    expect(await indexesOf(test.database, 'badge')).toEqual({
      badge_account_id_unique: 'UNIQUE INDEX badge_account_id_unique on btree (account_id) WHERE (deleted_at IS NULL)',
      badge_deleted_at_id_index:
        'INDEX badge_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
    });
  });

  it('puts the indexes of an inheritance hierarchy on the table that has the timestamp', async () => {
    expect(await indexesOf(test.database, 'vehicle')).toMatchObject({
      vehicle_plate_unique: 'UNIQUE INDEX vehicle_plate_unique on btree (plate) WHERE (deleted_at IS NULL)',
      vehicle_chassis_unique: 'UNIQUE INDEX vehicle_chassis_unique on btree (chassis) WHERE (deleted_at IS NULL)',
      vehicle_deleted_at_id_index:
        'INDEX vehicle_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
    });
    expect(await indexesOf(test.database, 'device')).toEqual({
      device_deleted_at_id_index:
        'INDEX device_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      device_serial_unique: 'UNIQUE INDEX device_serial_unique on btree (serial) WHERE (deleted_at IS NULL)',
    });
    expect(await indexesOf(test.database, 'phone')).toEqual({});
  });

  it('works for defineEntity()', async () => {
    expect(await indexesOf(test.database, 'tag')).toEqual({
      tag_deleted_at_id_index: 'INDEX tag_deleted_at_id_index on btree (deleted_at, id) WHERE (deleted_at IS NOT NULL)',
      tag_label_unique: 'UNIQUE INDEX tag_label_unique on btree (label) WHERE (deleted_at IS NULL)',
      tag_owner_id_index: 'INDEX tag_owner_id_index on btree (owner_id) WHERE (deleted_at IS NULL)',
      tag_owner_id_unique: 'UNIQUE INDEX tag_owner_id_unique on btree (owner_id) WHERE (deleted_at IS NULL)',
    });
  });

  it('leaves nothing to do for a second run of the schema generator', async () => {
    expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });
});
