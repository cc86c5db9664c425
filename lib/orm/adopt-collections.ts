import { Collection, type EntityProperty } from '@mikro-orm/core';
import type { Installation } from '../installation/installation.js';
import { chosenByJoin, notePart } from './loading/chosen-part.js';
import { ScopedCollection } from './loading/scoped-collection.js';

/**
 * Turns the collections that the ORM's hydrator has made for an entity into scoped ones.
 *
 * @param row - what the entity was made of
 * @param isOwn - whether the prototype of the entity's class has the metadata of this ORM. The hydrator tells a collection its relation
 * by that, which may be the one of the ORM that was initialised last over the class
 * @internal
 */
export function adoptCollections(
  entity: object,
  props: readonly EntityProperty[],
  installation: Installation,
  row?: unknown,
  isOwn = false,
): void {
  for (const prop of props) {
    const collection = (entity as Record<string, unknown>)[prop.name] as Collection<object> | null | undefined;
    if (!collection || Object.getPrototypeOf(collection) !== Collection.prototype) {
      continue;
    }
    if (!isOwn && collection.property !== prop) {
      collection.property = prop as never;
    }
    Object.setPrototypeOf(collection, ScopedCollection.prototype);
    // Filled by a join already, without anybody having been asked whether it needs to be read.
    if (collection.isInitialized() && isJoined(row, prop) && !collection.isDirty()) {
      (collection as ScopedCollection<object>).wasReadUnder(installation.scope.getStore() ?? 'active');
      notePart(collection, chosenByJoin(prop));
    }
  }
}

function isJoined(row: unknown, { name }: EntityProperty): boolean {
  return Array.isArray((row as Record<string, unknown> | undefined)?.[name]);
}
