import { type EntityProperty, helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { claimEntity, metadataOf } from '../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { snapshotAsRow } from './snapshot-as-row.js';

/**
 * Gives entities back the references to soft-deletable rows that the ORM took from them in memory only, so that the flush
 * does not write null into foreign keys that nobody changed:
 *
 * - `UnitOfWork.remove()` deletes the property of every loaded child whose foreign key is nullable. The value is still in the
 *   child's data; setting it defines the property anew.
 * - `em.refresh()` of a deleted entity finds no row under the filter and calls `UnitOfWork.unsetIdentity()`, which drops the value
 *   as well. The snapshot still knows the key.
 *
 * @internal
 */
export function repairReferences(em: EntityManager, catalog: SoftDeleteCatalog): void {
  const uow = em.getUnitOfWork();
  const references = catalog.references();
  const repair = (entity: object) =>
    references.get(claimEntity(em, entity))?.forEach((prop) => repairReference(em, entity, prop));
  uow.getIdentityMap().values().forEach(repair);
  // What was never saved is not in the identity map.
  uow.getPersistStack().forEach(repair);
}

function repairReference(em: EntityManager, entity: object, prop: EntityProperty): void {
  const { __data: data, __originalEntityData: original } = helper(entity);
  if (data[prop.name] != null) {
    if (!Object.hasOwn(entity, prop.name)) {
      (entity as Record<string, unknown>)[prop.name] = data[prop.name];
    }
    return;
  }
  const key = (original as Record<string, unknown> | undefined)?.[prop.name];
  const wasDropped = key != null && !(prop.name in data) && !prop.polymorphic;
  if (wasDropped && !em.getUnitOfWork().getById(prop.targetMeta!.class, key as never)) {
    data[prop.name] = reference(em, prop, key);
  }
}

/**
 * Resets a soft-deleted entity to what its row holds: changes that were not saved before it was removed are not saved with it
 * either, and the foreign keys that a collection or a one-to-one relation cleared when it let go of the entity are still there.
 *
 * @param names - the properties to reset, all of its columns unless given
 * @internal
 */
export function resetUnsavedChanges(
  em: EntityManager,
  entity: object,
  original: Record<string, unknown>,
  names: readonly string[] = Object.keys(original),
): void {
  const meta = metadataOf(em, entity);
  const current = em.getComparator().prepareEntity<any>(entity) as Record<string, unknown>;
  const scalars: Record<string, unknown> = {};
  for (const name of names) {
    const prop: EntityProperty | undefined = (meta.properties as Record<string, EntityProperty>)[name];
    // What was joined on load is in the entity's data as well, as it was then, but is no column of its row.
    if (
      !prop ||
      (prop.primary && !isReference(prop)) ||
      !isColumn(prop) ||
      Utils.equals(current[name], original[name])
    ) {
      continue;
    }
    if (isReference(prop)) {
      resetReference(em, entity, prop, original[name]);
    } else {
      scalars[name] = original[name];
    }
  }
  if (Object.keys(scalars).length > 0) {
    const row = snapshotAsRow(meta, original, scalars);
    em.getHydrator().hydrate(entity, meta as never, row as never, em.getEntityFactory(), 'full', false, true);
  }
}

/**
 * The same for what the snapshot does not know: of a bare reference only the key was ever read, a lazy property was not, and NULL is
 * `undefined` under `forceUndefined`. Whatever is there was set in memory, by the caller or by the other side of a one-to-one
 * relation, and the next flush would write all of it.
 *
 * @param kept - the property that stays as it is
 * @internal
 */
export function forgetUnsavedChanges(
  em: EntityManager,
  entity: object,
  original: Record<string, unknown>,
  kept: string,
): void {
  const { __data: data } = helper(entity);
  const meta = metadataOf(em, entity);
  for (const prop of meta.comparableProps) {
    const isKnown = isReference(prop) ? prop.name in original : original[prop.name] !== undefined;
    if (prop.primary || prop.version || prop.name === kept || isKnown || isInline(prop)) {
      continue;
    }
    if (isReference(prop)) {
      delete data[prop.name];
      continue;
    }
    const holder = holderOf(meta.properties as Record<string, EntityProperty>, entity, prop);
    if (holder) {
      delete holder[prop.embedded?.[1] ?? prop.name];
    }
  }
}

/** The object that has a property of an entity's row: the entity, or an embedded one of it. */
function holderOf(
  properties: Readonly<Record<string, EntityProperty>>,
  entity: object,
  { embedded }: EntityProperty,
): Record<string, unknown> | undefined {
  if (!embedded) {
    return entity as Record<string, unknown>;
  }
  const parent = properties[embedded[0]]!;
  const outer = holderOf(properties, entity, parent);
  return outer?.[parent.embedded?.[1] ?? parent.name] as Record<string, unknown> | undefined;
}

/** An embedded object that has its own columns, by which it is compared. */
function isInline({ kind, object }: EntityProperty): boolean {
  return kind === ReferenceKind.EMBEDDED && !object;
}

function isColumn({ kind, owner }: EntityProperty): boolean {
  const isToMany = kind === ReferenceKind.ONE_TO_MANY || kind === ReferenceKind.MANY_TO_MANY;
  return !isToMany && (kind !== ReferenceKind.ONE_TO_ONE || Boolean(owner));
}

function isReference(prop: EntityProperty): boolean {
  return prop.kind === ReferenceKind.MANY_TO_ONE || prop.kind === ReferenceKind.ONE_TO_ONE;
}

/** Sets the reference without propagation, which would put the deleted entity back on the other side of the relation. */
function resetReference(em: EntityManager, entity: object, prop: EntityProperty, key: unknown): void {
  if (prop.polymorphic) {
    return;
  }
  const value = reference(em, prop, key);
  const isTracked = Object.hasOwn(entity, prop.name);
  helper(entity).__data[prop.name] = value;
  if (!isTracked) {
    (entity as Record<string, unknown>)[prop.name] = value;
  }
}

function reference(em: EntityManager, prop: EntityProperty, key: unknown): unknown {
  return key == null || prop.mapToPk
    ? key
    : em.getReference(prop.targetMeta!.class, key as never, { wrapped: Boolean(prop.ref) } as never);
}
