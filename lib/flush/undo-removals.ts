import { type Collection, type EntityProperty, helper, Reference, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { takeOver, whileActive } from '../memory/managed-entities.js';
import { mayGoBack, putIn } from '../orm/loading/chosen-part.js';
import { metadataOf } from '../metadata/metadata-of.js';
import type { FlushState, Removal } from './flush-state.js';
import { rootName } from '../memory/read-again.js';

/**
 * How the entities of a flush get back to what they were if its transaction does not last: the ORM keeps what it flushed in
 * memory, and `em.remove()` has already taken them out of the collections that were loaded.
 *
 * @internal
 */
export function undoRemovals({ em, removals }: FlushState): () => void {
  const left: [Collection<object>, object][] = [];
  // Versions are no part of an entity's snapshot, but nothing has been written yet.
  const versions = new Map(
    removals.map(({ entity, entry }) => [entity, (entity as Record<string, unknown>)[entry.meta.versionProperty]]),
  );
  for (const { entity, original } of removals) {
    for (const prop of metadataOf(em, entity).bidirectionalRelations) {
      if (prop.kind !== ReferenceKind.MANY_TO_ONE) {
        continue;
      }
      // A collection that lets go of an entity with a wrapped reference clears that.
      const parent =
        Reference.unwrapReference(helper(entity).__data[prop.name] as object) ??
        savedParent(em, prop, original as Record<string, unknown> | undefined);
      const collection = (parent as Record<string, unknown> | undefined)?.[prop.inversedBy];
      if (
        Utils.isCollection<object>(collection) &&
        collection.isInitialized() &&
        !collection.contains(entity, false) &&
        mayGoBack(collection, entity)
      ) {
        left.push([collection, entity]);
      }
    }
  }
  return () => {
    for (const removal of removals) {
      const { entity, entry, original, initialized } = removal;
      const wrapped = helper(entity);
      const target = entity as Record<string, unknown>;
      if (wrapped.__initialized && !initialized) {
        // Loaded since then: what else it holds stays, or the next flush would take all of it for changes.
        takeOver(em, entity, whileActive(entry, target));
        continue;
      }
      target[entry.property] = (original as Record<string, unknown> | undefined)?.[entry.property];
      if (entry.meta.versionProperty) {
        target[entry.meta.versionProperty] = versions.get(entity);
      }
      takeBackHooks(em, removal);
      wrapped.__originalEntityData = original && { ...original };
      wrapped.__initialized = initialized;
    }
    for (const [collection, pairs] of Map.groupBy(left, ([from]) => from)) {
      putIn(
        collection,
        pairs.map(([, entity]) => entity),
      );
      collection.takeSnapshot();
    }
  };
}

/** Gives back what hooks have changed for an update that did not last. */
function takeBackHooks(em: EntityManager, { entity, entry, values, changeSet }: Removal): void {
  const meta = metadataOf(em, entity);
  for (const name of Object.keys(changeSet?.payload ?? {})) {
    const prop = (meta.properties as Record<string, EntityProperty>)[name];
    const root = prop && rootName(meta, prop);
    if (root !== undefined && root !== entry.property && root in values) {
      (entity as Record<string, unknown>)[root] = values[root];
    }
  }
}

/** The entity whose key the row holds, if it is in memory. */
function savedParent(
  em: EntityManager,
  { name, targetMeta, polymorphic }: EntityProperty,
  original: Record<string, unknown> = {},
): object | undefined {
  const key = original[name];
  const isKnown = key != null && targetMeta !== undefined && !polymorphic;
  return isKnown ? em.getUnitOfWork().getById<object>(targetMeta.class, key as never) : undefined;
}
