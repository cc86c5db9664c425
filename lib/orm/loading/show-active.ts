import { type EntityMetadata, type EntityProperty, helper, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../../installation/installation.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import { SOFT_DELETE_FILTER } from '../../metadata/filter-name.js';
import { deletedInverses } from './inverse-references.js';
import { showsEvery } from '../../metadata/relations/relation-filters.js';
import { ScopedCollection } from './scoped-collection.js';

/**
 * Says on an entity manager that it has read deleted rows on purpose, which its loaded relations may show since. On the entity manager
 * itself: there is one per request, and a set of them, however weak, is work for the garbage collector.
 */
const SHOWED_DELETED = Symbol('has shown deleted rows');

type Showing = EntityManager & { [SHOWED_DELETED]?: true };

/** Notes that an entity manager has read deleted rows. @internal */
export function hasShownDeleted(em: EntityManager): void {
  (em as Showing)[SHOWED_DELETED] = true;
}

/** Has one entity manager know what another one, whose entities it works with, has read. @internal */
export function sharesWhatWasShown(em: EntityManager, other: EntityManager): void {
  if ((other as Showing)[SHOWED_DELETED]) {
    hasShownDeleted(em);
  }
}

/**
 * Takes deleted rows out of the loaded relations of entities that a read of active rows hands out, and of what is loaded behind them.
 * There is one object per row, so that these still show what an earlier read in a wider scope has put there. Collections with
 * unsaved changes stay as they are. Costs nothing on an entity manager that has never shown deleted rows.
 *
 * @internal
 */
export function showActive(em: EntityManager, entities: Iterable<unknown>, installation: Installation): void {
  if (!(em as Showing)[SHOWED_DELETED]) {
    return;
  }
  const found = new Set<object>();
  const visit = (value: unknown) => {
    if (Utils.isEntity<object>(value) && helper(value).__initialized) {
      found.add(value);
    }
  };
  for (const entity of entities) {
    visit(entity);
  }
  // A set is iterated over what is added meanwhile, too.
  for (const entity of found) {
    const meta: EntityMetadata = metadataOf(em, entity);
    const { __data: data } = helper(entity);
    deletedInverses(entity, meta, installation.catalog)
      .filter((prop) => !showsEvery(prop, SOFT_DELETE_FILTER))
      .forEach(({ name }) => (data[name] = null));
    for (const prop of meta.relations as EntityProperty[]) {
      const value = (entity as Record<string, unknown>)[prop.name];
      if (!Utils.isCollection<object>(value)) {
        visit(Reference.unwrapReference(data[prop.name] as object));
        continue;
      }
      if (value instanceof ScopedCollection) {
        value.showActive(installation);
      }
      if (value.isInitialized()) {
        value.getItems(false).forEach(visit);
      }
    }
  }
}
