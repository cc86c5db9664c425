import { type EntityMetadata, type EntityProperty, helper, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { metadataOf } from '../metadata/metadata-of.js';
import { surroundingManagers } from '../installation/outer-managers.js';
import { rowKeys } from '../sql/entity-key.js';
import { leaveCollection, managedEntities, type Undo } from './managed-entities.js';
import type { RowSet } from '../sql/row-set.js';

/** The entities of rows, by the entity manager that holds them. @internal */
export type HeldEntities = ReadonlyMap<EntityManager, readonly object[]>;

/**
 * Finds the entities of rows that are about to be removed in the memory of the entity manager, of those it works for, and of those whose
 * entities it has borrowed: the ORM takes over what a transaction has loaded, but not what it has forgotten. Later the database could not
 * say which keys are the same.
 *
 * @internal
 */
export async function findHeld(
  em: EntityManager,
  ctx: Transaction,
  root: EntityMetadata,
  rows: RowSet,
): Promise<HeldEntities> {
  const held = new Map<EntityManager, object[]>();
  for (const each of [em, ...surroundingManagers(em)]) {
    const keys = await rowKeys(each, ctx, root, managedEntities(each, root));
    held.set(
      each,
      [...keys].filter(([, key]) => rows.has(root, key)).map(([entity]) => entity),
    );
  }
  return held;
}

/**
 * Takes the entities of physically removed rows out of memory, and out of the references and collections that hold them. The rows are
 * there again if the transaction does not last, and then so are the entities.
 *
 * @internal
 */
export function forgetRemoved(held: HeldEntities): Undo {
  const undo: Undo[] = [];
  for (const [em, entities] of held) {
    forget(em, entities, undo);
  }
  return () => undo.toReversed().forEach((step) => step());
}

/**
 * What `UnitOfWork.unsetIdentity()` does for one entity, for all of them in one walk through memory: it looks at everything that may
 * reference an entity, for each one again.
 */
function forget(em: EntityManager, entities: readonly object[], undo: Undo[]): void {
  const identityMap = em.getUnitOfWork().getIdentityMap();
  const dependent = new Set<object>();
  for (const [meta, group] of Map.groupBy(entities, (entity) => metadataOf(em, entity))) {
    const removed = new Set(group);
    for (const { meta: holder, prop } of meta.referencingProperties) {
      for (const referrer of identityMap.getStore<object>(holder as never).values()) {
        if (prop.primary && holds(em, referrer, prop, removed)) {
          dependent.add(referrer);
        } else {
          undo.push(...letGo(em, referrer, prop, removed));
        }
      }
    }
  }
  for (const entity of entities) {
    undo.push(unregister(em, entity));
  }
  // The key of these contains the removed one, so that they cannot have survived it.
  const dependents = [...dependent].filter((referrer) => helper(referrer).__managed);
  if (dependents.length > 0) {
    forget(em, dependents, undo);
  }
}

function letGo(em: EntityManager, referrer: object, prop: EntityProperty, removed: ReadonlySet<object>): Undo[] {
  const value = (referrer as Record<string, unknown>)[prop.name];
  if (Utils.isCollection<object>(value)) {
    const leaving = value.getItems(false).filter((item) => removed.has(item));
    return leaving.length > 0 ? [leaveCollection(value, leaving)] : [];
  }
  if (!holds(em, referrer, prop, removed)) {
    return [];
  }
  const data = (prop.formula ? referrer : helper(referrer).__data) as Record<string, unknown>;
  const held = data[prop.name];
  delete data[prop.name];
  return [
    () => {
      data[prop.name] = held;
    },
  ];
}

/** Whether a reference is one to a removed entity, or to its key. */
function holds(em: EntityManager, referrer: object, prop: EntityProperty, removed: ReadonlySet<object>): boolean {
  const value = (referrer as Record<string, unknown>)[prop.name];
  const target =
    prop.mapToPk && value != null ? em.getUnitOfWork().getById<object>(prop.targetMeta!.class, value as never) : value;
  return removed.has(Reference.unwrapReference(target as object));
}

function unregister(em: EntityManager, entity: object): Undo {
  const unitOfWork = em.getUnitOfWork();
  const stacks = [unitOfWork.getPersistStack(), unitOfWork.getRemoveStack(), unitOfWork.getOrphanRemoveStack()];
  const wrapped = helper(entity) as ReturnType<typeof helper<object>> & { __identifier?: unknown };
  const original = wrapped.__originalEntityData;
  unitOfWork.getIdentityMap().delete(entity);
  stacks.forEach((stack) => (stack as Set<object>).delete(entity));
  delete wrapped.__identifier;
  delete wrapped.__originalEntityData;
  wrapped.__managed = false;
  return () => {
    wrapped.__originalEntityData = original;
    unitOfWork.register(entity as never);
  };
}
