import {
  type Configuration,
  type EntityMetadata,
  type EntityName,
  type EntityProperty,
  type MetadataStorage,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { NotSoftDeletableError } from '../errors/not-soft-deletable.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type ArchivedEntityMetadata, describeArchived } from './archived-entity.js';
import { describeSoftDeletable, type SoftDeletableEntityMetadata } from './describe-soft-deletable.js';
import { hasTable } from './has-table.js';
import { RelationGraph } from './relations/relation-graph.js';
import { getMark, hasOwnMark } from './soft-deletable.mark.js';

export type { SoftDeletableEntityMetadata } from './describe-soft-deletable.js';

/** What an entity manager knows of its ORM. @internal */
export interface OrmModel {
  readonly config: Configuration;
  getMetadata(): MetadataStorage;
}

/**
 * The metadata of an entity that is named by its class or schema, or `undefined` if the ORM was not given it: asked for a schema that it
 * does not know, the ORM answers with the schema's own metadata (`find` in `MetadataStorage.js`), which nothing has been discovered of.
 *
 * @internal
 */
export function findMetadata(orm: Pick<OrmModel, 'getMetadata'>, entity: AnyEntityName): EntityMetadata | undefined {
  const storage = orm.getMetadata();
  const meta = storage.find(entity) as EntityMetadata | undefined;
  return meta && storage.has(meta.class) ? meta : undefined;
}

const catalogs = new WeakMap<MetadataStorage, SoftDeleteCatalog>();

/**
 * The soft-deletable entities of one ORM.
 *
 * @internal
 */
export class SoftDeleteCatalog {
  /** What deleting a row means for the rows behind its relations. */
  readonly graph: RelationGraph;
  readonly #entities = new Map<EntityMetadata, SoftDeletableEntityMetadata>();
  readonly #archived = new Map<EntityMetadata, ArchivedEntityMetadata>();
  #references: Map<EntityMetadata, EntityProperty[]> | undefined;

  private constructor(
    private readonly storage: MetadataStorage,
    defaultDeleteRule: string | undefined,
  ) {
    for (const meta of storage) {
      this.#add(meta);
    }
    this.graph = new RelationGraph(storage, this, defaultDeleteRule);
  }

  /**
   * The catalog of the ORM that the metadata belongs to, read once.
   *
   * @throws SoftDeleteConfigError if an entity is marked in a way that cannot work
   */
  static of(em: OrmModel): SoftDeleteCatalog {
    const storage = em.getMetadata();
    let catalog = catalogs.get(storage);
    if (!catalog) {
      catalog = new SoftDeleteCatalog(storage, em.config.get('schemaGenerator').defaultDeleteRule);
      catalogs.set(storage, catalog);
    }
    return catalog;
  }

  /** The metadata of the ORM, for what an entity's prototype cannot be asked about. */
  getMetadata(): MetadataStorage {
    return this.storage;
  }

  all(): SoftDeletableEntityMetadata[] {
    return [...this.#entities.values()];
  }

  /** The entities whose deleted rows are archived. Their tables hold active rows alone, so that nothing above speaks of them. */
  allArchived(): ArchivedEntityMetadata[] {
    return [...this.#archived.values()];
  }

  /** Those of both strategies. */
  allMarked(): (SoftDeletableEntityMetadata | ArchivedEntityMetadata)[] {
    return [...this.all(), ...this.allArchived()];
  }

  /** The entry of an entity, of any class of its hierarchy, or `undefined` if it is not soft-deletable. */
  find(entity: AnyEntityName | EntityMetadata): SoftDeletableEntityMetadata | undefined {
    const meta = this.#own(entity);
    return meta && this.#entities.get(meta.root);
  }

  /** The same of an entity whose deleted rows are archived. */
  findArchived(entity: AnyEntityName | EntityMetadata): ArchivedEntityMetadata | undefined {
    const meta = this.#own(entity);
    return meta && this.#archived.get(meta.root);
  }

  /** The same of an entity that is marked, whatever its strategy. */
  findMarked(entity: AnyEntityName | EntityMetadata): SoftDeletableEntityMetadata | ArchivedEntityMetadata | undefined {
    return this.find(entity) ?? this.findArchived(entity);
  }

  /** @throws NotSoftDeletableError if the entity is unknown to the ORM or not marked */
  getMarked(entity: AnyEntityName | EntityMetadata): SoftDeletableEntityMetadata | ArchivedEntityMetadata {
    return this.findArchived(entity) ?? this.get(entity);
  }

  /** @throws NotSoftDeletableError if the entity is unknown to the ORM or not marked */
  get(entity: AnyEntityName | EntityMetadata): SoftDeletableEntityMetadata {
    const found = this.find(entity);
    if (!found) {
      const known = isMetadata(entity) || findMetadata(this, entity) !== undefined;
      throw new NotSoftDeletableError(
        isMetadata(entity) ? entity.className : entity ? Utils.className(entity as EntityName) : String(entity),
        known,
      );
    }
    return found;
  }

  /** Per entity, the properties that hold a foreign key to a row of a marked entity. */
  references(): ReadonlyMap<EntityMetadata, readonly EntityProperty[]> {
    this.#references ??= new Map(
      [...this.storage]
        .map((meta) => [meta, meta.relations.filter((prop) => this.#isReference(prop))] as const)
        .filter(([, props]) => props.length > 0),
    );
    return this.#references;
  }

  /** Metadata may belong to another ORM over the same classes. */
  #own(entity: AnyEntityName | EntityMetadata): EntityMetadata | undefined {
    return this.storage.find((isMetadata(entity) ? entity.class : entity) as EntityName);
  }

  #isReference(prop: EntityProperty): boolean {
    const holdsKey = prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
    return holdsKey && (prop.polymorphTargets ?? [prop.targetMeta!]).some((target) => this.findMarked(target));
  }

  #add(meta: EntityMetadata): void {
    const mark = getMark(meta.class);
    if (meta.pivotTable && hasOwnMark(meta.class)) {
      throw new SoftDeleteConfigError(
        `@SoftDeletable() on ${meta.className}`,
        'the class is the pivot entity of a many-to-many relation, whose rows the ORM writes and removes by itself.',
        'Model the relation as two one-to-many relations to it, or leave it unmarked.',
      );
    }
    if ((meta.view || meta.virtual) && hasOwnMark(meta.class)) {
      throw new SoftDeleteConfigError(
        `@SoftDeletable() on ${meta.className}`,
        'the class is a view or a query, of which no row can be deleted.',
        'Mark the entity whose table it reads, and show its active rows with activeView().',
      );
    }
    if (!mark || meta.pivotTable || !hasTable(meta)) {
      return;
    }
    const asking = [meta.schema, meta.tableName, ...meta.props.flatMap(({ fieldNames }) => fieldNames)].find((name) =>
      name?.includes('?'),
    );
    if (asking !== undefined) {
      throw new SoftDeleteConfigError(
        `@SoftDeletable() on ${meta.className}`,
        `the ORM takes the question mark in the name ${JSON.stringify(asking)} for a parameter.`,
        'Rename the table or column.',
      );
    }
    if (meta.root !== meta) {
      if (hasOwnMark(meta.class) && !getMark(meta.root.class)) {
        throw new SoftDeleteConfigError(
          `@SoftDeletable() on ${meta.className}`,
          `the class shares the table of ${meta.root.className}.`,
          `Mark ${meta.root.className} instead: the timestamp belongs to the root of the hierarchy.`,
        );
      }
      return;
    }
    if (mark.strategy === 'archive') {
      this.#archived.set(meta, describeArchived(meta, mark));
    } else {
      this.#entities.set(meta, describeSoftDeletable(meta, mark));
    }
  }
}

function isMetadata(entity: AnyEntityName | EntityMetadata): entity is EntityMetadata {
  return typeof entity === 'object' && entity !== null && 'primaryKeys' in entity && 'root' in entity;
}
