import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  activeView,
  installSoftDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';

/** An archived parent and a child whose key is declared as given. */
function family(key: object, relation: object = {}, mark?: object) {
  @SoftDeletable({ strategy: 'archive' })
  @Entity()
  class Parent {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @OneToMany(() => Child, (child: Child) => child.parent, relation)
    children = new Collection<Child>(this);
  }

  abstract class Timed {
    @Property({ type: 'datetime', nullable: true })
    deletedAt?: Date | null;
  }

  @Entity()
  class Child extends Timed {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @ManyToOne(() => Parent, key)
    parent!: Rel<Parent>;
  }
  if (mark) {
    SoftDeletable(mark)(Child);
  }
  return [Parent, Child];
}

async function install(entities: unknown[]): Promise<void> {
  const orm = await MikroORM.init({ entities: entities as never, dbName: 'nowhere', connect: false } as never);
  installSoftDelete(orm as never);
}

class Row {
  id!: number;
}

describe('Marks of archived entities', () => {
  it.each([{ property: 'goneAt' }, { guard: true }, { purgeIndex: true }, { deletedBy: 'deletedBy' }])(
    'refuse %j with the reason',
    (option) => {
      expect(() => SoftDeletable({ strategy: 'archive', ...option } as never)(Row)).toThrow(SoftDeleteConfigError);
    },
  );

  it('refuse strategies and options that nobody knows, and `archive` without the strategy', () => {
    expect(() => SoftDeletable({ strategy: 'bin' as never })(Row)).toThrow("Write 'soft' or 'archive'.");
    expect(() => SoftDeletable({ strategy: 'archive', archive: { renames: {} } as never })(Row)).toThrow('renamed');
    expect(() => SoftDeletable({ archive: { dropped: [] } })(Row)).toThrow('the entity is not archived');
  });

  it('refuse what only a table with deleted rows needs', async () => {
    @SoftDeletable({ strategy: 'archive' })
    @Entity()
    @ActiveUnique({ properties: ['email'] })
    class Unique {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @Property({ type: 'string' })
      email!: string;
    }
    await expect(install([Unique, ...complianceEntities()])).rejects.toThrow("Use the ORM's own @Unique()");

    @SoftDeletable({ strategy: 'archive' })
    @Entity()
    class Viewed {
      @PrimaryKey({ type: 'number' })
      id!: number;
    }
    await expect(install([Viewed, activeView(Viewed), ...complianceEntities()])).rejects.toThrow(
      'Read the table itself.',
    );

    @SoftDeletable({ strategy: 'archive' })
    @Entity()
    class Timed extends SoftDeletableEntity {
      @PrimaryKey({ type: 'number' })
      id!: number;
    }
    await expect(install([Timed, ...complianceEntities()])).rejects.toThrow('nothing would write the timestamp');
  });

  it('refuse an ORM that does not know the table', async () => {
    const [Parent, Child] = family({ deleteRule: 'cascade' });
    await expect(install([Parent, Child])).rejects.toThrow('complianceEntities()');
    await install([Parent, Child, ...complianceEntities()]);
  });

  it.each([
    ['keep their key', {}, {}],
    [
      'keep a key that no constraint clears',
      { nullable: true, deleteRule: 'set null', createForeignKeyConstraint: false },
      {},
    ],
  ])('refuse rows that %s', async (_case, key, relation) => {
    await expect(install([...family(key, relation), ...complianceEntities()])).rejects.toThrow("policy 'keep'");
  });

  it('refuse a polymorphic key, which no constraint clears, whatever it says', async () => {
    @SoftDeletable({ strategy: 'archive' })
    @Entity()
    class Photo {
      @PrimaryKey({ type: 'number' })
      id!: number;
    }
    @Entity()
    class Album {
      @PrimaryKey({ type: 'number' })
      id!: number;
    }
    @Entity()
    class Like {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @ManyToOne({ entity: () => [Photo, Album], nullable: true, deleteRule: 'set null' })
      on?: Rel<Photo | Album> | null;
    }
    await expect(install([Photo, Album, Like, ...complianceEntities()])).rejects.toThrow("policy 'keep'");
  });

  it('refuse soft-deletable children whose key nothing clears, whatever the policy', async () => {
    const cascade = { cascade: [Cascade.REMOVE] };
    await expect(install([...family({}, cascade, {}), ...complianceEntities()])).rejects.toThrow('are soft-deleted');
    await install([...family({ nullable: true, deleteRule: 'set null' }, cascade, {}), ...complianceEntities()]);
    await install([...family({ nullable: true, deleteRule: 'set null' }), ...complianceEntities()]);
    await install([...family({}, cascade), ...complianceEntities()]);
  });
});
