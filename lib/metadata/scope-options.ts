import type { FilterOptions, FilterQuery } from '@mikro-orm/core';
import { type DeletedScope, deletedPredicate } from './active-predicate.js';
import { SOFT_DELETE_FILTER } from './filter-name.js';

/**
 * The `filters` option of a read under a scope. The active scope passes what the caller gave, so that the filter decides; the
 * others switch it off for the entity and for everything populated with it.
 *
 * @internal
 */
export function scopeFilters(scope: DeletedScope, filters: FilterOptions | undefined): FilterOptions | undefined {
  if (scope === 'active' || filters === false) {
    return filters;
  }
  const named = Array.isArray(filters) ? Object.fromEntries(filters.map((name) => [name, true])) : filters;
  return { ...(typeof named === 'object' ? named : {}), [SOFT_DELETE_FILTER]: false } as FilterOptions;
}

/** The condition of a read under a scope. @internal */
export function scopeWhere<Entity>(
  scope: DeletedScope,
  property: string,
  where: FilterQuery<Entity> | undefined,
): FilterQuery<Entity> {
  const condition = where ?? ({} as FilterQuery<Entity>);
  return scope === 'only' ? ({ $and: [condition, deletedPredicate(property)] } as FilterQuery<Entity>) : condition;
}
