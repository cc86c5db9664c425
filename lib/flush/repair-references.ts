import { type EntityProperty, helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Gives back to the children of removed entities the reference that `UnitOfWork.remove()` took from them: it deletes the
 * property of every loaded child whose foreign key is nullable, so that the same flush would write null. The value itself is
 * still in the entity's data; setting it defines the property anew.
 *
 * @internal
 */
export function repairChildReferences(removed: Iterable<object>): void {
  for (const entity of removed) {
    for (const prop of helper(entity).__meta.bidirectionalRelations) {
      const collection = (entity as Record<string, unknown>)[prop.name];
      if (prop.kind !== ReferenceKind.ONE_TO_MANY || !Utils.isCollection<object>(collection)) {
        continue;
      }
      const inverse: string = prop.mappedBy;
      for (const child of collection.getItems(false)) {
        if (!Object.hasOwn(child, inverse)) {
          (child as Record<string, unknown>)[inverse] = helper(child).__data[inverse];
        }
      }
    }
  }
}

/**
 * Resets a soft-deleted entity to what its row holds: changes that were not saved before it was removed are not saved with it
 * either, and the foreign keys that a collection or a one-to-one relation cleared when it let go of the entity are still there.
 *
 * @internal
 */
export function resetUnsavedChanges(em: EntityManager, entity: object, original: Record<string, unknown>): void {
  const wrapped = helper(entity);
  const meta = wrapped.__meta;
  const current = em.getComparator().prepareEntity<any>(entity) as Record<string, unknown>;
  const scalars: Record<string, unknown> = {};
  for (const name of Object.keys(original)) {
    const prop: EntityProperty | undefined = (meta.properties as Record<string, EntityProperty>)[name];
    if (!prop || prop.primary || Utils.equals(current[name], original[name])) {
      continue;
    }
    if (isReference(prop)) {
      resetReference(em, entity, prop, original[name]);
    } else {
      scalars[name] = original[name];
    }
  }
  if (Object.keys(scalars).length > 0) {
    em.getHydrator().hydrate(entity, meta as never, scalars as never, em.getEntityFactory(), 'full', false, true);
  }
}

function isReference(prop: EntityProperty): boolean {
  return prop.kind === ReferenceKind.MANY_TO_ONE || prop.kind === ReferenceKind.ONE_TO_ONE;
}

/** Sets the reference without propagation, which would put the deleted entity back on the other side of the relation. */
function resetReference(em: EntityManager, entity: object, prop: EntityProperty, key: unknown): void {
  if (prop.polymorphic) {
    return;
  }
  const value =
    key == null || prop.mapToPk
      ? key
      : em.getReference(prop.targetMeta!.class, key as never, { wrapped: Boolean(prop.ref) } as never);
  const isTracked = Object.hasOwn(entity, prop.name);
  helper(entity).__data[prop.name] = value;
  if (!isTracked) {
    (entity as Record<string, unknown>)[prop.name] = value;
  }
}
