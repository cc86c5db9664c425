import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EntityMetadata, GeneratedCacheAdapter, type Rel, Type, Utils } from '@mikro-orm/core';
import {
  Entity,
  Enum,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
  ReflectMetadataProvider,
} from '@mikro-orm/decorators/legacy';
import { Collection, MikroORM, type Options } from '@mikro-orm/postgresql';
import {
  ActiveIndex,
  ActiveUnique,
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

@SoftDeletable<User>({ guard: true, retention: '30d', deletedBy: 'deletedBy' })
@ActiveUnique<User>({ properties: ['email'], where: { kind: 'person' } })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { person: 'User', robot: 'Robot' } as never })
class User extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Enum({ items: ['person', 'robot'] })
  kind!: string;

  @ActiveIndex()
  @Property({ type: 'text', nullable: true })
  email?: string | null;

  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;

  @OneToOne({ entity: () => Desk, owner: true, nullable: true, deleteRule: 'no action' })
  desk?: Rel<Desk> | null;

  @OneToMany({ entity: () => Note, mappedBy: 'user', where: { text: { $ne: 'kept' } }, orphanRemoval: true })
  notes = new Collection<Note>(this);
}

@Entity()
class Robot extends User {}

@SoftDeletable()
@Entity()
class Desk extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@SoftDeletable()
@Entity()
class Note extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  text?: string | null;

  @ManyToOne(() => User, { nullable: true, deleteRule: 'no action' })
  user?: Rel<User> | null;
}

const fromCache = new Set<string>();

/** Writes what it has read to the cache, as the ORM's provider that reads types from sources does. */
class CachingProvider extends ReflectMetadataProvider {
  override loadFromCache(meta: EntityMetadata, cache: EntityMetadata): void {
    fromCache.add(meta.className);
    super.loadFromCache(meta, cache);
  }

  override saveToCache(meta: EntityMetadata): void {
    Reflect.deleteProperty(meta, 'root');
    const copy = Utils.copy(meta, false) as any;
    for (const prop of copy.props) {
      if (Type.isMappedType(prop.type)) {
        delete prop.type;
        delete prop.customType;
      }
      delete prop.targetMeta;
    }
    const left = 'prototype props referencingProperties propertyOrder relations concurrencyCheckKeys checks';
    left.split(' ').forEach((key) => delete copy[key]);
    if (meta.path) {
      this.config.getMetadataCacheAdapter().set(this.getCacheKey(meta), copy, meta.path);
    }
  }
}

const ENTITIES = [User, Robot, Desk, Note];

describe('an ORM that reads its metadata from a cache', () => {
  let database: TestDatabase;
  let cacheDir: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    cacheDir = mkdtempSync(join(tmpdir(), 'soft-delete-cache-'));
    const first = await init(files());
    await first.schema.create();
    await first.close(true);
  });
  afterAll(async () => {
    await database.drop();
    rmSync(cacheDir, { recursive: true });
  });

  const init = (metadataCache: Options['metadataCache']) =>
    MikroORM.init({
      clientUrl: database.url,
      entities: ENTITIES,
      metadataProvider: CachingProvider,
      metadataCache,
      extensions: [softDelete()],
    });
  /** The ORM's own choice where nobody names an adapter. */
  const files = (): Options['metadataCache'] => ({ enabled: true, options: { cacheDir } });
  const generated = (): Options['metadataCache'] => {
    const read = (name: string) => JSON.parse(readFileSync(join(cacheDir, `${name}.json`), 'utf8')).data;
    const data = Object.fromEntries(ENTITIES.map(({ name }) => [name, read(name)]));
    return { enabled: true, adapter: GeneratedCacheAdapter as never, options: { data } };
  };

  it.each([
    ['files', files],
    ['a bundle', generated],
  ])('deletes, restores and removes as any other: %s', async (_name, cache) => {
    await database.query(`set soft_delete.physical_delete = 'allowed'; truncate "user", desk, note; reset soft_delete.physical_delete;
      insert into desk (id) values (1);
      insert into "user" (id, kind, email, desk_id) values (1, 'person', 'ada', 1), (2, 'robot', 'ada', null);
      insert into note (id, text, user_id) values (1, 'a', 1), (2, 'kept', 1)`);
    fromCache.clear();
    const orm = await init(cache());
    try {
      expect([...fromCache]).toEqual(expect.arrayContaining(ENTITIES.map(({ name }) => name)));
      await expect(orm.schema.getUpdateSchemaSQL()).resolves.toBe('');
      const users = () => orm.em.fork().getRepository(User) as unknown as SoftDeleteRepository<User>;
      expect(users()).toBeInstanceOf(SoftDeleteRepository);
      await expect(users().softDelete(1, { actor: 'me' })).resolves.toMatchObject({ affected: { User: 1, Note: 1 } });
      await expect(database.query('select id from note where deleted_at is not null')).resolves.toEqual([{ id: 1 }]);
      await database.query(`insert into "user" (id, kind, email, desk_id) values (3, 'person', 'ada', 1)`);
      await expect(users().find({})).resolves.toHaveLength(2);
      await expect(users().restore(1)).rejects.toMatchObject({
        conflicts: [{ key: 1, conflictingKey: 3 }, { key: 1 }],
      });
      await users().softDelete(3);
      await expect(users().restore(1)).resolves.toMatchObject({ total: 2 });
      await expect(database.query('delete from "user" where id = 1')).rejects.toThrow('soft-deleted');
      await database.query(`update "user" set deleted_at = now() - interval '40 days' where id = 3`);
      await expect(createPurge(orm).run()).resolves.toMatchObject({ total: 1 });
      await expect(database.query('select id from "user" order by id')).resolves.toEqual([{ id: 1 }, { id: 2 }]);
    } finally {
      await orm.close(true);
    }
  });
});
