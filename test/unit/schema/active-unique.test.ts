import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveIndex,
  ActiveUnique,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';

describe('@ActiveUnique()', () => {
  it('refuses to name no property', () => {
    class Page extends SoftDeletableEntity {}
    const decorate = () => ActiveUnique({ name: 'page' })(Page);
    expect(decorate).toThrow(SoftDeleteConfigError);
    expect(decorate).toThrow('@ActiveUnique() on Page: it names no property.');
    expect(() => ActiveIndex({ properties: [] })(Page)).toThrow('@ActiveIndex() on Page');
  });

  it('refuses what a unique index does not have, and an index does', () => {
    class Page extends SoftDeletableEntity {}
    expect(() => ActiveUnique({ properties: ['it'], clustered: true } as never)(Page)).toThrow('clustered');
    expect(() => ActiveIndex({ properties: ['deletedAt'], clustered: true })(Page)).not.toThrow();
  });

  it('refuses a class below the root of a table-per-type hierarchy, whose table has no timestamp', async () => {
    @SoftDeletable()
    @Entity({ inheritance: 'tpt' })
    class Device extends SoftDeletableEntity {
      @PrimaryKey({ type: 'uuid' })
      id!: string;
    }

    @Entity()
    class Phone extends Device {
      @ActiveUnique()
      @Property({ type: 'string' })
      imei!: string;
    }

    const orm = MikroORM.init({ dbName: 'none', entities: [Device, Phone] });
    await expect(orm).rejects.toThrow(SoftDeleteConfigError);
    await expect(orm).rejects.toThrow('it is in the table of Device');
  });
});
