import { Cascade, type EntityProperty, helper, Reference, ReferenceKind, Utils } from '@mikro-orm/core';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/** What a flush does with the entities that the unit of work was asked to remove. @internal */
export interface RemovalPlan {
  /** Entities that are soft-deleted instead. */
  readonly soft: ReadonlyMap<object, SoftDeletableEntityMetadata>;
  /** Entities that the ORM put on its stack only because something in front of them is removed, and that must stay. */
  readonly spared: ReadonlySet<object>;
}

/**
 * Decides what becomes of the unit of work's remove stack. The stack does not say which of its entities were removed by name
 * and which came along by a cascade, but its order does: a cascade adds what is behind an entity after the entity.
 *
 * - A soft-deletable entity is soft-deleted, with the soft-deletable entities behind its `cascade` relations.
 * - What the ORM's own cascade took along beyond that stays: children that are not soft-deletable, children behind a relation
 *   that was declared `'keep'` or `'restrict'`, and everything behind an entity that was deleted before.
 * - Anything else is removed physically, as ever.
 *
 * @internal
 */
export function planRemoval(
  removed: Iterable<object>,
  orphans: Iterable<object>,
  catalog: SoftDeleteCatalog,
): RemovalPlan {
  const soft = new Map<object, SoftDeletableEntityMetadata>();
  const spared = new Set<object>();
  const reached = new Set<object>();

  const follow = (entity: object, entry: SoftDeletableEntityMetadata | undefined): void => {
    const policies = entry && cascadingRelations(entity, catalog);
    for (const prop of helper(entity).__meta.relations) {
      if (!cascadesRemoval(prop)) {
        continue;
      }
      for (const target of loadedTargets(entity, prop)) {
        const targetEntry = policies?.has(prop.name) ? catalog.find(helper(target).__meta) : undefined;
        const deletes = targetEntry !== undefined && !isDeleted(target, targetEntry);
        if (deletes && !soft.has(target)) {
          soft.set(target, targetEntry);
          spared.delete(target);
          follow(target, targetEntry);
        } else if (!deletes && !soft.has(target) && !reached.has(target)) {
          reached.add(target);
          spared.add(target);
          follow(target, undefined);
        }
      }
    }
  };

  for (const entity of [...removed, ...orphans]) {
    if (soft.has(entity) || reached.has(entity)) {
      continue;
    }
    const entry = catalog.find(helper(entity).__meta);
    if (entry && isDeleted(entity, entry)) {
      reached.add(entity);
      spared.add(entity);
      follow(entity, undefined);
    } else if (entry) {
      soft.set(entity, entry);
      follow(entity, entry);
    }
  }
  return { soft, spared };
}

/** Whether the row was deleted when it was last read or written: what the caller may have set since does not count. */
function isDeleted(entity: object, { property }: SoftDeletableEntityMetadata): boolean {
  return (helper(entity).__originalEntityData as Record<string, unknown> | undefined)?.[property] != null;
}

function cascadingRelations(entity: object, catalog: SoftDeleteCatalog): Set<string> {
  return new Set(
    catalog.graph
      .from(helper(entity).__meta)
      .filter(({ policy, property }) => policy === 'cascade' && property !== undefined)
      .map(({ property }) => property!),
  );
}

/** The same test that the unit of work makes before it cascades a removal (`shouldCascade` in `UnitOfWork.js`). */
function cascadesRemoval(prop: EntityProperty): boolean {
  return (
    Boolean(prop.orphanRemoval) ||
    Boolean(prop.cascade?.includes(Cascade.REMOVE)) ||
    Boolean(prop.cascade?.includes(Cascade.ALL))
  );
}

function loadedTargets(entity: object, prop: EntityProperty): object[] {
  const value = (entity as Record<string, unknown>)[prop.name];
  if (Utils.isCollection<object>(value)) {
    return value.getItems(false);
  }
  const target = Reference.unwrapReference(value as object);
  const isToOne = prop.kind === ReferenceKind.MANY_TO_ONE || prop.kind === ReferenceKind.ONE_TO_ONE;
  return isToOne && Utils.isEntity<object>(target) ? [target] : [];
}
