import { type EntityMetadata, type EntityProperty, helper, Reference, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeletedScope } from '../../metadata/active-predicate.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

// Of the rows that hold the key of a one-to-one relation, one is active and any number are deleted. What the other side shows
// therefore depends on the scope. Left to the ORM, two rows that come into memory one after the other would take the place, the
// key and, by orphan removal, the life of each other, and the next flush would write that.

/** How a factory brings a row into memory. */
interface FactoryOptions {
  readonly convertCustomTypes?: boolean;
  readonly newEntity?: boolean;
}

const inverses = new WeakMap<EntityMetadata, readonly EntityProperty[]>();
const owners = new WeakMap<EntityMetadata, readonly EntityProperty[]>();

/** The relations of an entity whose other side holds the key, one row to one row, and is soft-deletable. @internal */
export function inverseReferences(meta: EntityMetadata, catalog: SoftDeleteCatalog): readonly EntityProperty[] {
  let props = inverses.get(meta);
  if (!props) {
    props = meta.relations.filter(
      ({ kind, owner, targetMeta }) =>
        kind === ReferenceKind.ONE_TO_ONE && !owner && targetMeta && catalog.find(targetMeta),
    );
    inverses.set(meta, props);
  }
  return props;
}

/** Whether an entity shows a deleted row on the other side of a one-to-one relation. @internal */
export function holdsDeletedInverse(entity: object, meta: EntityMetadata, catalog: SoftDeleteCatalog): boolean {
  return deletedInverses(entity, meta, catalog).length > 0;
}

/** The one-to-one relations of an entity with a deleted row on the other side. @internal */
export function deletedInverses(
  entity: object,
  meta: EntityMetadata,
  catalog: SoftDeleteCatalog,
): readonly EntityProperty[] {
  return inverseReferences(meta, catalog).filter((prop) => {
    const target = savedTarget(entity, prop);
    return target !== undefined && deletedAt(target, catalog) !== undefined;
  });
}

/**
 * Lets a row that was read say who is on the other side, without the row that was there before hearing of it.
 *
 * @internal
 */
export function followInverseReferences(
  em: EntityManager,
  entity: object,
  meta: EntityMetadata,
  data: Record<string, unknown>,
  catalog: SoftDeleteCatalog,
  fromDatabase: boolean,
): void {
  for (const prop of inverseReferences(meta, catalog)) {
    const current = prop.name in data && data[prop.name] !== undefined ? savedTarget(entity, prop) : undefined;
    if (current && entityOfKey(em, prop, data[prop.name], fromDatabase) !== current) {
      helper(entity).__data[prop.name] = null;
    }
  }
}

/** The one-to-one relations whose key the rows of a soft-deletable entity hold, with another side. @internal */
export function inverseOwners(meta: EntityMetadata, catalog: SoftDeleteCatalog): readonly EntityProperty[] {
  let props = owners.get(meta);
  if (!props) {
    props = catalog.find(meta)
      ? meta.relations.filter(
          ({ kind, owner, inversedBy, mapToPk, polymorphic }) =>
            kind === ReferenceKind.ONE_TO_ONE && owner && inversedBy && !mapToPk && !polymorphic,
        )
      : [];
    owners.set(meta, props);
  }
  return props;
}

/**
 * Brings a row that holds the key of a one-to-one relation into memory. It takes the place on the other side unless one that
 * has more right to it is there: an active one, or one that was deleted later. A row that is created, rather than read, replaces an
 * active one as it does in the ORM.
 *
 * @param create - brings a row into memory, as an entity of the same class or of another
 * @internal
 */
export function keepInverseReferences<T>(
  em: EntityManager,
  entityName: any,
  data: any,
  catalog: SoftDeleteCatalog,
  { convertCustomTypes: fromDatabase = false, newEntity: isNew = false }: FactoryOptions,
  create: (entityName: any, data: any) => T,
): T {
  const meta = em.getMetadata().find(entityName) as EntityMetadata | undefined;
  const props = meta && data ? inverseOwners(meta, catalog) : [];
  if (props.length === 0) {
    return create(entityName, data);
  }
  const places = props.flatMap((prop) => {
    const other = entityOfKey(em, prop, data[prop.name], fromDatabase);
    const inverse = inverseOf(prop);
    const current = other && savedTarget(other, inverse);
    return current && !(isNew && deletedAt(current, catalog) === undefined)
      ? [{ slot: helper(other).__data, name: inverse.name, value: helper(other).__data[inverse.name], current }]
      : [];
  });
  for (const { slot, name } of places) {
    slot[name] = null;
  }
  const { row, nested } = isNew ? { row: data, nested: [] } : withoutInverses(props, data);
  try {
    return create(entityName, row);
  } finally {
    for (const { slot, name, value, current } of places) {
      const next = Reference.unwrapReference(slot[name] as object);
      if (!next || isPreferred(current, next, catalog)) {
        slot[name] = value;
      }
    }
    nested.forEach(([prop, other]) => create(prop.targetMeta!.class, other));
  }
}

/**
 * Takes out of a row what was joined for the other side of its own references. Such a row comes into memory by itself: read as a part of
 * this one, it would take its place before this one takes it back.
 */
function withoutInverses(
  props: readonly EntityProperty[],
  data: Record<string, any>,
): { row: Record<string, any>; nested: [EntityProperty, object][] } {
  const row = { ...data };
  const nested: [EntityProperty, object][] = [];
  for (const prop of props) {
    const inverse = inverseOf(prop);
    const other: unknown = Utils.isPlainObject<any>(row[prop.name]) ? row[prop.name][inverse.name] : undefined;
    if (Utils.isPlainObject(other)) {
      const { [inverse.name]: _, ...rest } = row[prop.name];
      row[prop.name] = rest;
      nested.push([inverse, other]);
    }
  }
  return nested.length > 0 ? { row, nested } : { row: data, nested };
}

function inverseOf(prop: EntityProperty): EntityProperty {
  return prop.targetMeta!.properties[prop.inversedBy as never] as EntityProperty;
}

/**
 * Whether a populated relation has to be read although memory has an answer: nobody under a scope that shows deleted rows, or a
 * deleted row under the one that does not.
 *
 * @internal
 */
export function asksForInverse(
  entity: any,
  prop: EntityProperty,
  options: { lookup?: boolean; refresh?: boolean },
  scope: DeletedScope,
  catalog: SoftDeleteCatalog,
): boolean {
  if (scope !== 'active') {
    // Behind a query of its own, the entity was read together with the other side.
    return options.lookup !== false && helper(entity).__data[prop.name] === null;
  }
  const target = savedTarget(entity, prop);
  // Of a bare reference nobody knows whether it is deleted, and what is read again may have been deleted meanwhile.
  const isKnownActive =
    target && helper(target).__initialized && !options.refresh && deletedAt(target, catalog) === undefined;
  if (!target || isKnownActive) {
    return false;
  }
  helper(entity).__data[prop.name] = null;
  return true;
}

/**
 * Puts the rows that were read for a relation on its other side. The ORM does so as it brings them into memory, but not where they
 * have been all along.
 *
 * @internal
 */
export function placeInverseReferences(
  items: readonly object[],
  prop: EntityProperty,
  catalog: SoftDeleteCatalog,
): void {
  for (const item of items) {
    const owner = Reference.unwrapReference(helper(item).__data[prop.mappedBy as string] as object);
    if (!Utils.isEntity<object>(owner)) {
      continue;
    }
    const current = Reference.unwrapReference(helper(owner).__data[prop.name] as object);
    if (current == null || (current === savedTarget(owner, prop) && isPreferred(item, current, catalog))) {
      helper(owner).__data[prop.name] = Reference.wrapReference(item, prop);
    }
  }
}

/** Whether the row on the other side is in memory as a whole, deleted or not. @internal */
export function isLoaded(entity: object, prop: EntityProperty, catalog: SoftDeleteCatalog): boolean {
  const target = savedTarget(entity, prop);
  if (!target || !helper(target).__initialized) {
    return false;
  }
  const loaded = helper(target).__loadedProperties;
  return metadataOf(catalog, target).comparableProps.every(
    ({ name, lazy }) => lazy || Set.prototype.has.call(loaded, name),
  );
}

/**
 * The entity that the value of a reference names, if it is in memory: an entity, a key, or a row.
 *
 * @param fromDatabase - whether keys are as the database has them, or as entities do, whose type may be a custom one
 */
function entityOfKey(
  em: EntityManager,
  prop: EntityProperty,
  value: unknown,
  fromDatabase: boolean,
): object | undefined {
  const entity = Reference.unwrapReference(value as object);
  if (entity == null || Utils.isEntity<object>(entity)) {
    return entity ?? undefined;
  }
  const target = prop.targetMeta as EntityMetadata<any>;
  const key: unknown = Utils.isPlainObject(value) ? Utils.getPrimaryKeyValues(value, target, true) : value;
  const parts = Utils.flatten([key] as unknown[][], true);
  // A row that was joined without its key names nobody.
  return parts.some((part) => part == null)
    ? undefined
    : em.getUnitOfWork().getById<any>(target.class, parts as never, undefined, fromDatabase);
}

/** The entity on the other side, if it is there because of what the database holds. */
function savedTarget(entity: object, prop: EntityProperty): object | undefined {
  const target = Reference.unwrapReference(helper(entity).__data[prop.name] as object);
  return Utils.isEntity<object>(target) && helper(target).__originalEntityData && helper(target).hasPrimaryKey()
    ? target
    : undefined;
}

function isPreferred(entity: object, to: object, catalog: SoftDeleteCatalog): boolean {
  if (deletedAt(to, catalog) === undefined) {
    return false;
  }
  return deletedAt(entity, catalog) === undefined || savedTime(entity, catalog) > savedTime(to, catalog);
}

function deletedAt(entity: object, catalog: SoftDeleteCatalog): unknown {
  const entry = catalog.find(metadataOf(catalog, entity));
  return (entry && (entity as Record<string, unknown>)[entry.property]) ?? undefined;
}

/** The time of a deletion as its row has it: a custom type need not be comparable. */
function savedTime(entity: object, catalog: SoftDeleteCatalog): number {
  const { property } = catalog.get(metadataOf(catalog, entity));
  const saved = (helper(entity).__originalEntityData as Record<string, unknown> | undefined)?.[property];
  return new Date((saved ?? (entity as Record<string, unknown>)[property]) as string).getTime();
}
