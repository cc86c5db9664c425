import type { FilterOptions } from '@mikro-orm/core';
import type { DeletedScope } from '../metadata/active-predicate.js';
import type { Installation } from '../installation/installation.js';
import { SOFT_DELETE_FILTER } from '../metadata/filter-name.js';

/** The scope of one read: what its `filters` say, else the one around it. @internal */
export function readScope({ scope }: Installation, filters: FilterOptions | undefined): DeletedScope {
  const current = scope.getStore() ?? 'active';
  return current === 'active' && switchesOff(filters) ? 'with' : current;
}

/** Whether find options switch the filter off, as MikroORM documents it. @internal */
export function switchesOff(filters: FilterOptions | undefined): boolean {
  return filters === false || (filters as Record<string, unknown> | undefined)?.[SOFT_DELETE_FILTER] === false;
}
