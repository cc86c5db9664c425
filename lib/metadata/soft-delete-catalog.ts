import {
  type Configuration,
  type EntityMetadata,
  type EntityName,
  type EntityProperty,
  type MetadataStorage,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import { NotSoftDeletableError } from '../errors/not-soft-deletable.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { DEFAULT_PROPERTY } from '../options/default-property.js';
import { parseRetention } from '../options/duration.js';
import type { RelationPolicy, SoftDeletableOptions } from '../options/soft-deletable-options.js';
import { type DeletedByProperty, describeDeletedBy } from './describe-deleted-by.js';
import { hasTable } from './has-table.js';
import { RelationGraph } from './relation-graph.js';
import { RELATION_POLICIES } from './relation-policies.js';
import { getMark, hasOwnMark } from './soft-deletable.mark.js';

/**
 * A soft-deletable entity with everything that its marks leave open filled in. There is one per table that holds a
 * timestamp: the root of an inheritance hierarchy stands for all of it.
 *
 * @internal
 */
export interface SoftDeletableEntityMetadata {
  readonly name: string;
  readonly meta: EntityMetadata;
  readonly property: string;
  readonly column: string;
  readonly columnType: string;
  /** Where the row keeps who has deleted it. */
  readonly deletedBy?: DeletedByProperty | undefined;
  /** Milliseconds, `'forever'`, or `undefined` for the module's default. */
  readonly retention: number | 'forever' | undefined;
  readonly relations: Readonly<Record<string, RelationPolicy>>;
  readonly purgeIndex: boolean;
  readonly guard: boolean;
}

/** What an entity manager knows of its ORM. @internal */
export interface OrmModel {
  readonly config: Configuration<any>;
  getMetadata(): MetadataStorage;
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

  /** The entry of an entity, of any class of its hierarchy, or `undefined` if it is not soft-deletable. */
  find(entity: EntityName<any> | EntityMetadata): SoftDeletableEntityMetadata | undefined {
    // Metadata may belong to another ORM over the same classes.
    const meta = this.storage.find((isMetadata(entity) ? entity.class : entity) as EntityName);
    return meta && this.#entities.get(meta.root);
  }

  /** @throws NotSoftDeletableError if the entity is unknown to the ORM or not marked */
  get(entity: EntityName<any> | EntityMetadata): SoftDeletableEntityMetadata {
    const found = this.find(entity);
    if (!found) {
      const known = isMetadata(entity) || this.storage.find(entity as EntityName) !== undefined;
      throw new NotSoftDeletableError(
        isMetadata(entity) ? entity.className : Utils.className(entity as EntityName),
        known,
      );
    }
    return found;
  }

  /** Per entity, the properties that hold a foreign key to a soft-deletable row. */
  references(): ReadonlyMap<EntityMetadata, readonly EntityProperty[]> {
    this.#references ??= new Map(
      [...this.storage]
        .map((meta) => [meta, meta.relations.filter((prop) => this.#isReference(prop))] as const)
        .filter(([, props]) => props.length > 0),
    );
    return this.#references;
  }

  #isReference(prop: EntityProperty): boolean {
    const holdsKey = prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
    return holdsKey && (prop.polymorphTargets ?? [prop.targetMeta!]).some((target) => this.find(target));
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
    if (!mark || meta.pivotTable || !hasTable(meta)) {
      return;
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
    this.#entities.set(meta, describe(meta, mark));
  }
}

function isMetadata(entity: EntityName<any> | EntityMetadata): entity is EntityMetadata {
  return typeof entity === 'object' && entity !== null && 'primaryKeys' in entity && 'root' in entity;
}

function describe(meta: EntityMetadata, mark: SoftDeletableOptions): SoftDeletableEntityMetadata {
  const where = `@SoftDeletable() on ${meta.className}`;
  const property: string = mark.property ?? DEFAULT_PROPERTY;
  const prop = meta.properties[property];
  if (!prop || prop.kind !== ReferenceKind.SCALAR || prop.persist === false || prop.fieldNames?.length !== 1) {
    throw new SoftDeleteConfigError(
      where,
      `it has no column property "${property}".`,
      `Extend SoftDeletableEntity, declare \`@Property({ type: 'timestamptz', nullable: true }) ${property}?: Date\`, or name the property with { property: '…' }.`,
    );
  }
  if (!prop.nullable) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is not nullable, but an active row is one without a time of deletion.`,
      'Declare it with `nullable: true`.',
    );
  }
  const columnType = prop.columnTypes[0] ?? '';
  const ownType = prop.customType?.constructor.name;
  if (!/^timestamp(tz)? *(\(\d\))?( with(out)? time zone)?$/i.test(columnType)) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is a column of type ${columnType}${ownType ? `, given by the custom type ${ownType}` : ''}, not a timestamp.`,
      ownType
        ? `Use \`type: 'timestamptz'\`, or a custom type whose \`getColumnType()\` gives timestamptz and which converts that.`
        : "Declare it with `type: 'timestamptz'`.",
    );
  }
  if (prop.customType?.convertToJSValueSQL) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" has the custom type ${ownType}, which reads it through SQL, so that no index of active rows could be declared.`,
      'Convert in `convertToJSValue()` alone.',
    );
  }
  if (prop.ref) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is wrapped in a reference, which an active row has as well.`,
      'Remove `ref: true`.',
    );
  }
  if (/^timestamp[a-z]* *\([0-5]\)/i.test(columnType)) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is a column of type ${columnType}, too coarse to tell one deletion from the next.`,
      'Declare it without a `length`: a unit is known by its time to the microsecond.',
    );
  }
  if (prop.lazy) {
    throw new SoftDeleteConfigError(
      where,
      `the property "${property}" is lazy, so a loaded entity would not know whether it is deleted.`,
      'Remove `lazy: true`.',
    );
  }
  return {
    name: meta.className,
    meta,
    property,
    column: prop.fieldNames[0]!,
    columnType,
    deletedBy: describeDeletedBy(meta, where, property, mark.deletedBy),
    retention: mark.retention === undefined ? undefined : parseRetention(`${where}, retention`, mark.retention),
    relations: describeRelations(meta, where, mark.relations ?? {}),
    purgeIndex: mark.purgeIndex ?? true,
    guard: mark.guard ?? false,
  };
}

function describeRelations(
  meta: EntityMetadata,
  where: string,
  relations: Record<string, RelationPolicy | undefined>,
): Record<string, RelationPolicy> {
  const described: Record<string, RelationPolicy> = {};
  const properties = [meta, ...descendants(meta)].flatMap(({ relations: own }) => own);
  for (const [name, policy] of Object.entries(relations)) {
    if (policy === undefined) {
      continue;
    }
    const option = `${where}, relations.${name}`;
    const prop = properties.find((candidate) => candidate.name === name);
    if (!prop || !pointsAway(prop)) {
      const allowed = [...new Set(properties.filter(pointsAway).map((candidate) => candidate.name))];
      throw new SoftDeleteConfigError(
        option,
        prop
          ? 'the relation belongs to this side, so a deletion does not reach through it.'
          : 'there is no such relation.',
        allowed.length > 0
          ? `The to-many and inverse one-to-one relations are: ${allowed.join(', ')}.`
          : 'The entity has no to-many or inverse one-to-one relation.',
      );
    }
    if (!Object.hasOwn(RELATION_POLICIES, policy)) {
      throw new SoftDeleteConfigError(
        option,
        `${JSON.stringify(policy)} is not a policy.`,
        "Write 'cascade', 'restrict' or 'keep'.",
      );
    }
    described[name] = policy;
  }
  return described;
}

/** Whether the rows at the other end are what this row owns, rather than what owns it. */
function pointsAway(prop: { kind: ReferenceKind; owner: boolean }): boolean {
  return (
    prop.kind === ReferenceKind.ONE_TO_MANY ||
    prop.kind === ReferenceKind.MANY_TO_MANY ||
    (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner)
  );
}

function descendants(meta: EntityMetadata): EntityMetadata[] {
  const children = meta.root.inheritanceType === 'tpt' ? (meta.tptChildren ?? []) : (meta.polymorphs ?? []);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
