import {
  Collection,
  type Dictionary,
  type EntityMetadata,
  type EntityProperty,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { metadataOf } from '../metadata/metadata-of.js';
import type { Installation } from '../installation/installation.js';
import { chosenByLoader, notePart } from './chosen-part.js';
import { followRestoration } from './follow-restoration.js';
import {
  asksForInverse,
  followInverseReferences,
  hasInverseOwners,
  isLoaded,
  keepInverseReferences,
  placeInverseReferences,
} from './inverse-references.js';
import { readScope } from './read-scope.js';
import { ScopedCollection } from './scoped-collection.js';
import { softDeletableCollections } from './soft-deletable-collections.js';
import { settleEntity } from './settle-entity.js';

/** The parts of an entity manager that decide what is loaded already, seen through their methods. */
interface Parts {
  loader: {
    extractChildCondition(options: any, prop: any, ...rest: any[]): Promise<Dictionary>;
    filterCollections(entities: any[], field: string, options: any, ...rest: any[]): any[];
    filterByReferences(entities: any[], prop: any, options: any, ...rest: any[]): any[];
    findChildren(entities: any[], prop: any, populate: any, options: any, ...rest: any[]): Promise<{ items: object[] }>;
  };
  factory: {
    create(entityName: any, data: any, options?: any, ...rest: any[]): any;
    mergeData(meta: EntityMetadata, entity: any, data: any, options?: any, ...rest: any[]): any;
    hydrate(entity: any, meta: EntityMetadata, data: any, options?: any, ...rest: any[]): any;
  };
}

/**
 * Lets an entity manager's loader and factory go by the scope of a read. Each entity manager has its own, made in its
 * constructor.
 *
 * @internal
 */
export function scopeLoading(em: EntityManager, installation: Installation): void {
  const { loader, factory } = partsOf(em);
  const { catalog } = installation;

  // Asked a second time, now with the condition on the children alone (`getChildReferences` in `EntityLoader.js`).
  let isAskingForChildren = false;
  const filterCollections = loader.filterCollections.bind(loader);
  loader.filterCollections = (entities, field, options, ...rest) => {
    const scope = readScope(installation, options.filters);
    const chosen = new Set<object>(filterCollections(entities, field, options, ...rest));
    for (const entity of entities) {
      const collection = entity[field];
      if (!(collection instanceof ScopedCollection)) {
        continue;
      }
      if (!chosen.has(entity) && collection.isOutOfScope(scope, installation)) {
        chosen.add(entity);
        if (collection.holdsPart) {
          Collection.create(entity, field as never, undefined, false);
          ScopedCollection.adopt(entity, softDeletableCollections(metadataOf(em, entity), installation), installation);
        }
      }
      if (chosen.has(entity)) {
        entity[field].isReadUnder(scope);
        if (!isAskingForChildren) {
          notePart(entity[field], chosenByLoader(loader, collection.property as EntityProperty, options));
        }
      }
    }
    return entities.filter((entity) => chosen.has(entity));
  };

  const filterByReferences = loader.filterByReferences.bind(loader);
  loader.filterByReferences = (entities, prop, options, ...rest) => {
    const scope = readScope(installation, options.filters);
    const chosen = new Set<object>(entities.filter((entity) => asksForInverse(entity, prop, options, scope, catalog)));
    for (const entity of filterByReferences(entities, prop, options, ...rest)) {
      if (options.refresh || scope === 'active' || !isLoaded(entity, prop, catalog)) {
        chosen.add(entity);
      }
    }
    return entities.filter((entity) => chosen.has(entity));
  };

  const findChildren = loader.findChildren.bind(loader);
  loader.findChildren = async (entities, prop, populate, options, ...rest) => {
    isAskingForChildren = true;
    const finding = findChildren(entities, prop, populate, onlyFor(prop, options), ...rest);
    isAskingForChildren = false;
    const found = await finding;
    if (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner && catalog.find(prop.targetMeta)) {
      placeInverseReferences(found.items, prop, catalog);
    }
    return found;
  };

  const mergeData = factory.mergeData.bind(factory);
  factory.mergeData = (meta, entity, data, options, ...rest) => {
    followInverseReferences(em, entity, meta, data, catalog, Boolean(options?.convertCustomTypes));
    const merged: unknown = mergeData(meta, entity, data, options, ...rest);
    followRestoration(em, entity, meta, data, catalog);
    return merged;
  };

  // A refresh does not merge: it goes straight to the hydrator.
  const hydrate = factory.hydrate.bind(factory);
  factory.hydrate = (entity, meta, data, options, ...rest) => {
    if (options?.refresh) {
      followInverseReferences(em, entity, meta, data, catalog, Boolean(options.convertCustomTypes));
    }
    return hydrate(entity, meta, data, options, ...rest) as unknown;
  };

  const storage = em.getMetadata();
  const create = factory.create.bind(factory);
  factory.create = (entityName, data, options, ...rest) => {
    const entity: unknown = hasInverseOwners(storage, entityName, catalog)
      ? keepInverseReferences(em, entityName, data, catalog, options ?? {}, (name, row) =>
          name === entityName ? create(name, row, options, ...rest) : factory.create(name, row, options, ...rest),
        )
      : create(entityName, data, options, ...rest);
    if (Utils.isEntity<object>(entity)) {
      settleEntity(em, entity, data, installation);
    }
    return entity;
  };
}

/**
 * The options without the filters of joined relations, if none is on this one. With them, the ORM takes what it loads for a part
 * of the collection, to which it adds nothing of what is created later.
 */
function onlyFor({ name }: EntityProperty, options: { populateFilter?: Dictionary }): object {
  const { populateFilter } = options;
  const concerns = populateFilter && Object.keys(populateFilter).some((key) => key === name || key.startsWith('$'));
  return populateFilter && !concerns ? { ...options, populateFilter: undefined } : options;
}

/** The entity manager's own parts: asked for plainly, one that is bound to a context answers with those of the context. */
function partsOf(em: EntityManager): Parts {
  Object.defineProperty(em, 'getContext', { value: () => em, configurable: true });
  try {
    return {
      loader: em.getEntityLoader() as unknown as Parts['loader'],
      factory: em.getEntityFactory() as unknown as Parts['factory'],
    };
  } finally {
    delete (em as { getContext?: unknown }).getContext;
  }
}
