import {
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { Collection, MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { describeDeletionPolicy, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { hasTable } from '../../../lib/metadata/has-table.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

/** Marked, so that whatever extends it is marked as well. */
@SoftDeletable()
@Entity({ abstract: true })
abstract class Base extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable()
@Embeddable()
class Address extends SoftDeletableEntity {
  @Property({ type: 'string' })
  city!: string;
}

@Entity()
class Tag extends Base {}

@Entity({ discriminatorColumn: 'kind', abstract: true })
abstract class Person extends Base {
  @Embedded(() => Address)
  address!: Address;

  @ManyToMany(() => Tag)
  tags = new Collection<Tag>(this);

  @ManyToOne(() => Tag, { nullable: true })
  favourite?: Tag;
}

@Entity()
class Employee extends Person {}

@Entity({ expression: 'select 1 as id, null as deleted_at' })
class Sum extends SoftDeletableEntity {
  @Property({ type: 'integer' })
  id!: number;
}

@Entity({ view: true, expression: 'select * from person' })
class Recent extends Base {}

describe(hasTable.name, () => {
  const orm = new MikroORM({
    driver: PostgreSqlDriver,
    dbName: 'none',
    entities: [Address, Tag, Person, Employee, Sum, Recent],
  });

  it('is true of entities and pivot tables, and of nothing that has the name of a table only', () => {
    const metadata = [...orm.getMetadata()];
    expect(metadata.every(({ tableName }) => tableName)).toBe(true);
    const names = metadata.filter(hasTable).map(({ className }) => className);
    expect(names.sort()).toEqual(['Employee', 'Person', 'Tag', 'person_tags']);
  });

  it('says which marked classes are soft-deletable', () => {
    const catalog = SoftDeleteCatalog.of(orm.em);
    expect(
      catalog
        .all()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Person', 'Tag']);
    for (const entity of [Address, Sum, Recent, 'person_tags']) {
      expect(catalog.find(entity as never)).toBeUndefined();
    }
  });

  it('says what the policy of deletion lists', () => {
    const chapters = describeDeletionPolicy(orm).match(/^## .*/gm);
    expect(chapters).toEqual(['## Person', '## Tag']);
  });
});
