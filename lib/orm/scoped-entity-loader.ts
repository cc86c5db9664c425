import { Collection, type Dictionary, EntityLoader, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { adoptCollections } from './adopt-collections.js';
import { chosenByLoader, notePart } from './loading/chosen-part.js';
import { asksForInverse, isLoaded, placeInverseReferences } from './loading/inverse-references.js';
import { readScope } from './read-scope.js';
import { ScopedCollection } from './loading/scoped-collection.js';
import { softDeletableCollections } from './loading/soft-deletable-collections.js';

/** The methods of a loader that decide what is loaded already. They are private. */
interface Deciding {
  extractChildCondition(options: any, prop: any, ...rest: any[]): Promise<Dictionary>;
  filterCollections(entities: any[], field: string, options: any, ...rest: any[]): any[];
  filterByReferences(entities: any[], prop: any, options: any, ...rest: any[]): any[];
  findChildren(entities: any[], prop: any, populate: any, options: any, ...rest: any[]): Promise<{ items: object[] }>;
}

/**
 * A loader that reads again under one scope what was loaded under another. Each entity manager makes a loader in its constructor,
 * which is turned into one of this class.
 *
 * @internal
 */
export class ScopedEntityLoader extends (EntityLoader as unknown as new (em: EntityManager) => Deciding) {
  // Nothing is initialised here: the constructor is never called.
  declare private scoped: {
    em: EntityManager;
    installation: Installation;
    /** Collections are asked about a second time, with the condition on the children alone (`getChildReferences` in `EntityLoader.js`). */
    isAskingForChildren: boolean;
  };

  static adopt(loader: EntityLoader, em: EntityManager, installation: Installation): void {
    // Before it changes its class, as the factory.
    (loader as unknown as ScopedEntityLoader).scoped = { em, installation, isAskingForChildren: false };
    Object.setPrototypeOf(loader, ScopedEntityLoader.prototype);
  }

  override filterCollections(entities: any[], field: string, options: any, ...rest: any[]): any[] {
    const { em, installation, isAskingForChildren } = this.scoped;
    const scope = readScope(installation, options.filters);
    const chosen = new Set<object>(super.filterCollections(entities, field, options, ...rest));
    for (const entity of entities) {
      const collection = entity[field];
      if (!(collection instanceof ScopedCollection)) {
        continue;
      }
      if (!chosen.has(entity) && collection.isOutOfScope(scope, installation)) {
        chosen.add(entity);
        if (collection.holdsPart) {
          Collection.create(entity, field as never, undefined, false);
          adoptCollections(entity, softDeletableCollections(metadataOf(em, entity), installation), installation);
        }
      }
      if (chosen.has(entity)) {
        entity[field].isReadUnder(scope);
        if (!isAskingForChildren) {
          notePart(entity[field], chosenByLoader(this, collection.property as EntityProperty, options));
        }
      }
    }
    return entities.filter((entity) => chosen.has(entity));
  }

  override filterByReferences(entities: any[], prop: any, options: any, ...rest: any[]): any[] {
    const { installation } = this.scoped;
    const { catalog } = installation;
    const scope = readScope(installation, options.filters);
    const chosen = new Set<object>(entities.filter((entity) => asksForInverse(entity, prop, options, scope, catalog)));
    for (const entity of super.filterByReferences(entities, prop, options, ...rest)) {
      if (options.refresh || scope === 'active' || !isLoaded(entity, prop, catalog)) {
        chosen.add(entity);
      }
    }
    return entities.filter((entity) => chosen.has(entity));
  }

  override async findChildren(
    entities: any[],
    prop: any,
    populate: any,
    options: any,
    ...rest: any[]
  ): Promise<{ items: object[] }> {
    const { catalog } = this.scoped.installation;
    this.scoped.isAskingForChildren = true;
    const finding = super.findChildren(entities, prop, populate, onlyFor(prop, options), ...rest);
    this.scoped.isAskingForChildren = false;
    const found = await finding;
    if (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner && catalog.find(prop.targetMeta)) {
      placeInverseReferences(found.items, prop, catalog);
    }
    return found;
  }
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
