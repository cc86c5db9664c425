import { type Collection, type EntityMetadata, helper, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { outerManagers } from '../metadata/outer-managers.js';
import { managedEntities, type Undo } from './managed-entities.js';
import type { RowSet } from './row-set.js';

/**
 * Takes the entities of physically removed rows out of memory, that of the entity managers this one works for included, and out of the references and collections that hold them. The
 * rows are there again if the transaction does not last, and then so are the entities.
 *
 * @internal
 */
export function forgetRemoved(em: EntityManager, root: EntityMetadata, rows: RowSet): Undo {
  const undo: Undo[] = [];
  for (const each of [em, ...outerManagers(em)]) {
    for (const entity of managedEntities(each, root)) {
      if (helper(entity).hasPrimaryKey() && rows.has(root, keyOf(entity))) {
        undo.push(...rememberReferrers(each, entity), rememberEntity(each, entity));
        each.getUnitOfWork().unsetIdentity(entity);
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
}

function keyOf(entity: object): string[] {
  return Utils.flatten(helper(entity).getPrimaryKeys(true) as unknown[][]).map(String);
}

function rememberEntity(em: EntityManager, entity: object): Undo {
  const wrapped = helper(entity);
  const original = wrapped.__originalEntityData;
  return () => {
    wrapped.__originalEntityData = original;
    em.getUnitOfWork().register(entity as never);
  };
}

/** The same referrers that `UnitOfWork.unsetIdentity()` visits, in all entity managers that share them. */
function rememberReferrers(em: EntityManager, entity: object): Undo[] {
  const undo: Undo[] = [];
  const identityMap = em.getUnitOfWork().getIdentityMap();
  for (const { meta, prop } of helper(entity).__meta.referencingProperties) {
    for (const referrer of identityMap.getStore<object>(meta as never).values()) {
      const { __data: data } = helper(referrer);
      const value = (referrer as Record<string, unknown>)[prop.name];
      if (Utils.isCollection<object>(value)) {
        if (value.contains(entity, false)) {
          undo.push(rejoin(value, entity));
        }
      } else if (Reference.unwrapReference(value as object) === entity) {
        const held = data[prop.name];
        undo.push(() => {
          data[prop.name] = held;
        });
      }
    }
  }
  return undo;
}

function rejoin(collection: Collection<object>, entity: object): Undo {
  const wasDirty = collection.isDirty();
  return () => {
    collection.addWithoutPropagation(entity);
    if (!wasDirty) {
      collection.takeSnapshot();
    }
  };
}
