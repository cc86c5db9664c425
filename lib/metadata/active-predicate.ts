import type { AnyCondition } from '../options/any-of-the-orm.js';

/**
 * Which rows a read shows: `'active'` ones, active and deleted ones (`'with'`), or deleted ones (`'only'`).
 *
 * @publicApi
 */
export type DeletedScope = 'active' | 'with' | 'only';

/**
 * What "active" means, as a condition on the row's own column and on nothing else.
 *
 * @internal
 */
export function activePredicate(property: string): AnyCondition {
  return { [property]: null };
}

/** @internal */
export function deletedPredicate(property: string): AnyCondition {
  return { [property]: { $ne: null } };
}

/** @internal */
export function scopePredicate(scope: DeletedScope, property: string): AnyCondition {
  switch (scope) {
    case 'active':
      return activePredicate(property);
    case 'only':
      return deletedPredicate(property);
    case 'with':
      return {};
  }
}

/** The same predicate for the places that are written in SQL. @internal */
export function activePredicateSql(column: string): string {
  return `${column} is null`;
}
