import { type EntityProperty, helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { claimEntity, metadataOf } from '../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { rootName } from './read-again.js';

/**
 * Gives entities back the references to soft-deletable rows that the ORM took from them in memory only, so that the flush
 * does not write null into foreign keys that nobody changed:
 *
 * - `UnitOfWork.remove()` deletes the property of every loaded child whose foreign key is nullable. The value is still in the
 *   child's data; setting it defines the property anew. The child need not be managed yet: a collection that was loaded in a
 *   transaction that has been rolled back holds entities of that transaction, and the flush takes them in.
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
  // What was removed and persisted again has lost its children as well.
  for (const entity of [...uow.getRemoveStack(), ...uow.getPersistStack()]) {
    loadedChildren(em, entity as object).forEach(repair);
  }
}

function loadedChildren(em: EntityManager, entity: object): object[] {
  return metadataOf(em, entity)
    .bidirectionalRelations.filter(({ kind }) => kind === ReferenceKind.ONE_TO_MANY)
    .map(({ name }) => (entity as Record<string, unknown>)[name])
    .flatMap((collection) => (Utils.isCollection<object>(collection) ? collection.getItems(false) : []));
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
 * @param except - the properties that stay
 * @returns the properties whose values are to be read again: the snapshot has them as the database is told them, and from that the
 * types of many cannot tell what the entity had
 * @internal
 */
export function resetUnsavedChanges(
  em: EntityManager,
  entity: object,
  original: Record<string, unknown>,
  except: readonly string[] = [],
  current = em.getComparator().prepareEntity<object>(entity) as Record<string, unknown>,
): ReadonlySet<string> {
  const meta = metadataOf(em, entity);
  const values: Record<string, unknown> = {};
  const unknown = new Set<string>();
  for (const name of Object.keys(em.getComparator().diffEntities<object>(meta.class as never, original, current))) {
    const prop = (meta.properties as Record<string, EntityProperty>)[name]!;
    if ((prop.primary && prop.embedded) || except.includes(name) || !isColumn(prop)) {
      continue;
    }
    if (isReference(prop)) {
      if (name in original) {
        resetReference(em, entity, prop, original[name]);
      }
    } else if (name in original && !prop.embedded && (prop.primary || isPlain(prop))) {
      // Of an undefined value the hydrator takes no notice; a null becomes what stands for it.
      values[name] = original[name] ?? null;
    } else {
      unknown.add(rootName(meta, prop));
    }
  }
  if (Object.keys(values).length > 0) {
    em.getHydrator().hydrate(entity, meta as never, values as never, em.getEntityFactory(), 'full', false, true);
  }
  return unknown;
}

/** Whether the snapshot holds the value as the entity does. */
function isPlain({ kind, customType, ref }: EntityProperty): boolean {
  return kind === ReferenceKind.SCALAR && !customType && !ref;
}

/**
 * The same for a bare reference, of which only the key was ever read: whatever else it holds was set in memory, by the caller or
 * by the other side of a one-to-one relation, and the next flush would write all of it.
 *
 * @internal
 */
export function forgetUnsavedChanges(
  em: EntityManager,
  entity: object,
  original: Record<string, unknown>,
  except: readonly string[],
): void {
  const { __data: data } = helper(entity);
  for (const prop of metadataOf(em, entity).comparableProps) {
    if (prop.primary || prop.version || except.includes(prop.name) || prop.name in original) {
      continue;
    }
    if (isReference(prop)) {
      delete data[prop.name];
    } else {
      delete (entity as Record<string, unknown>)[prop.name];
    }
  }
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
