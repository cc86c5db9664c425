import { Cascade, type EntityMetadata, type EntityProperty, helper, Reference, Utils } from '@mikro-orm/core';
import { metadataOf } from '../../metadata/metadata-of.js';
import { perClass } from './per-class.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';

/** What a flush does with the entities that the unit of work was asked to remove. @internal */
export interface RemovalPlan {
  /** Entities that are soft-deleted instead: those removed by name, as orphans, or with a row that is removed physically. */
  readonly soft: ReadonlyMap<object, SoftDeletableEntityMetadata>;
  /** Entities behind these that the cascade is going to reach in the database, if their rows still are where memory has them. */
  readonly cascaded: ReadonlyMap<object, SoftDeletableEntityMetadata>;
  /** Entities that were removed though they are deleted already: they stay as their rows are. */
  readonly gone: ReadonlySet<object>;
  /** Entities on the stack of orphans only because something in front of them is soft-deleted: they stay. */
  readonly spared: ReadonlySet<object>;
  /**
   * Entities that are removed physically though the unit of work must not do it: its own cascade would go on to soft-deletable
   * entities behind them, or they are archived, and what they take along is left to the database.
   */
  readonly hard: ReadonlySet<object>;
  /** Entities that were never inserted and are not to be, because they belong to something that goes. */
  readonly unborn: ReadonlySet<object>;
}

/**
 * Decides what becomes of what the unit of work was asked to remove. At the start of a flush its remove stack holds what was
 * removed by name; what the ORM's own cascade would add is looked up here, over the relations that are loaded.
 *
 * - A soft-deletable entity is soft-deleted. The soft-deletable entities behind its `cascade` relations are left to the database,
 *   which knows whether they are there still. Children that are not soft-deletable and children behind a relation declared
 *   `'keep'` or `'restrict'` stay.
 * - An entity that is deleted already is left as it is, with everything behind it.
 * - An archived entity is removed, and what it takes along is left to the database as well.
 * - Any other entity is removed physically, as ever, with those behind it; soft-deletable ones among these are soft-deleted.
 *
 * @param removed - the remove stack before the unit of work has cascaded
 * @param orphans - the stack of orphans, which the unit of work fills with a cascade of its own, each after what it is behind
 * @internal
 */
export function planRemoval(
  removed: Iterable<object>,
  orphans: Iterable<object>,
  catalog: SoftDeleteCatalog,
): RemovalPlan {
  const named = new Set(removed);
  const soft = new Map<object, SoftDeletableEntityMetadata>();
  const cascaded = new Map<object, SoftDeletableEntityMetadata>();
  const gone = new Set<object>();
  const spared = new Set<object>();
  const hard = new Set<object>();
  const unborn = new Set<object>();
  const cascadingOf = perClass((meta) => cascadingRelations(meta, catalog));
  const removingOf = perClass(removingRelations);
  const behind = (entity: object) => loadedBehind(entity, removingOf(metadataOf(catalog, entity)));
  const find = (entity: object) => catalog.find(metadataOf(catalog, entity));
  const isArchived = (entity: object) => catalog.findArchived(metadataOf(catalog, entity)) !== undefined;

  const deleteSoftly = (entity: object, entry: SoftDeletableEntityMetadata): void => {
    if (!soft.has(entity)) {
      soft.set(entity, entry);
      cascade(entity);
    }
  };

  const cascade = (entity: object): void => {
    const cascading = cascadingOf(metadataOf(catalog, entity));
    for (const [prop, target] of behind(entity)) {
      const entry = find(target);
      if (isNew(target)) {
        discard(target);
      } else if (!entry || !cascading.has(prop.name) || isDeleted(target, entry)) {
        spare(target);
      } else if (!cascaded.has(target)) {
        cascaded.set(target, entry);
        cascade(target);
      }
    }
  };

  const spare = (entity: object): void => {
    if (!spared.has(entity) && !named.has(entity)) {
      spared.add(entity);
      behind(entity).forEach(([, target]) => spare(target));
    }
  };

  const discard = (entity: object): void => {
    if (!unborn.has(entity)) {
      unborn.add(entity);
      behind(entity)
        .filter(([, target]) => isNew(target))
        .forEach(([, target]) => discard(target));
    }
  };

  const archive = (entity: object): void => {
    if (!hard.has(entity)) {
      hard.add(entity);
      behind(entity).forEach(([, target]) => (isNew(target) ? discard(target) : spare(target)));
    }
  };

  /** @returns whether marked entities are behind the entity */
  const removePhysically = (entity: object, together: Set<object>): boolean => {
    if (together.has(entity)) {
      return false;
    }
    together.add(entity);
    let reachesSoft = false;
    for (const [, target] of behind(entity)) {
      const entry = find(target);
      if (isNew(target)) {
        discard(target);
      } else if (isArchived(target)) {
        reachesSoft = true;
        archive(target);
      } else if (entry) {
        reachesSoft = true;
        if (isDeleted(target, entry)) {
          spare(target);
        } else {
          deleteSoftly(target, entry);
        }
      } else {
        reachesSoft = removePhysically(target, together) || reachesSoft;
      }
    }
    return reachesSoft;
  };

  for (const entity of [...named, ...orphans]) {
    const entry = find(entity);
    const isReached = !named.has(entity) && (cascaded.has(entity) || spared.has(entity));
    if (isArchived(entity) && !isReached && !isNew(entity)) {
      archive(entity);
    }
    if (!entry || isReached) {
      continue;
    }
    if (isDeleted(entity, entry)) {
      gone.add(entity);
      spared.add(entity);
      behind(entity).forEach(([, target]) => spare(target));
    } else {
      deleteSoftly(entity, entry);
    }
  }
  for (const entity of named) {
    const together = new Set<object>();
    if (!find(entity) && !isArchived(entity) && removePhysically(entity, together)) {
      together.forEach((member) => hard.add(member));
    }
  }
  for (const entity of hard) {
    spared.delete(entity);
  }
  for (const entity of soft.keys()) {
    cascaded.delete(entity);
    spared.delete(entity);
  }
  for (const entity of cascaded.keys()) {
    spared.delete(entity);
  }
  return { soft, cascaded, gone, spared, hard, unborn };
}

/** Whether the row was deleted when it was last read or written: what the caller may have set since does not count. */
function isDeleted(entity: object, { property }: SoftDeletableEntityMetadata): boolean {
  return (helper(entity).__originalEntityData as Record<string, unknown> | undefined)?.[property] != null;
}

/** Whether the entity has no row. @internal */
export function isNew(entity: object): boolean {
  const wrapped = helper(entity);
  return !wrapped.__originalEntityData && !wrapped.__managed;
}

function cascadingRelations(meta: EntityMetadata, catalog: SoftDeleteCatalog): Set<string | undefined> {
  return new Set(
    catalog.graph
      .from(meta)
      .filter(takesAlong)
      .map(({ property }) => property),
  );
}

/** The relations through which the unit of work removes entities along with others (`shouldCascade` in `UnitOfWork.js`). */
function removingRelations({ relations }: EntityMetadata): EntityProperty[] {
  return relations.filter(
    ({ orphanRemoval, cascade }) =>
      orphanRemoval || cascade?.includes(Cascade.REMOVE) || cascade?.includes(Cascade.ALL),
  );
}

/** The loaded entities at the other end of relations of an entity. */
function loadedBehind(entity: object, relations: readonly EntityProperty[]): [EntityProperty, object][] {
  return relations.flatMap((prop) =>
    loadedTargets(entity, prop).map((target): [EntityProperty, object] => [prop, target]),
  );
}

function loadedTargets(entity: object, prop: EntityProperty): object[] {
  const value = (entity as Record<string, unknown>)[prop.name];
  if (Utils.isCollection<object>(value)) {
    return value.getItems(false);
  }
  const target = Reference.unwrapReference(value as object);
  return Utils.isEntity<object>(target) ? [target] : [];
}
