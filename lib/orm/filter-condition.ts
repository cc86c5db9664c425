import { type Dictionary, type FilterOptions, QueryHelper, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import { scopePredicate } from '../metadata/active-predicate.js';
import { SOFT_DELETE_FILTER } from '../metadata/filter-name.js';
import { followedRelation } from '../metadata/relations/relation-filters.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { AnyCondition } from '../options/any-of-the-orm.js';

/**
 * What the filter asks of the rows of an entity; nothing where every row shows.
 *
 * @param args - what the filter was given: the relations that were followed (`writeRelationFilters()`)
 * @internal
 */
export function filterCondition(
  { scope }: Installation,
  property: string,
  args: Dictionary | undefined,
  type: string,
): AnyCondition {
  const followed = followedRelation(args);
  if (followed === 'every') {
    return {};
  }
  // A scope widens what is read; it never lets a bulk update or delete reach rows that nobody sees.
  const current = type === 'read' ? (scope.getStore() ?? 'active') : 'active';
  // "Only deleted" is about the entity that is asked for: behind its relations, all rows show.
  return current === 'only' && followed ? {} : scopePredicate(current, property);
}

/** The `filters` of a read without the one of soft deletion. */
const WITHOUT_OWN = { [SOFT_DELETE_FILTER]: false } as FilterOptions;

/**
 * Whether what a read is given says what it says of the filter by name, and does not switch it off. Lists and plain booleans are left to
 * the ORM.
 *
 * @internal
 */
export function leavesFilterOn(filters: FilterOptions | undefined): filters is Record<string, Dictionary | boolean> {
  return Utils.isPlainObject(filters) && filters[SOFT_DELETE_FILTER as never] !== false;
}

/**
 * A condition with all filters, as `applyFilters()` of the ORM gives it, but with the condition of soft deletion beside what was asked for
 * and not around it. The ORM takes both apart, copies and puts together again several times on the way to SQL, one level more of nesting
 * each time, and asks the filter of each reference on every read only to hear that it shows every row.
 *
 * @param applyOthers - has the ORM apply filters: those named by its argument
 * @internal
 */
export async function applyBeside<Condition>(
  em: EntityManager,
  installation: Installation,
  { meta, property }: SoftDeletableEntityMetadata,
  where: Condition,
  filters: Record<string, Dictionary | boolean>,
  type: string,
  applyOthers: (filters: FilterOptions) => Promise<Condition | undefined>,
): Promise<Condition | undefined> {
  const given = filters[SOFT_DELETE_FILTER];
  const isAlone = given === undefined && !Utils.hasObjectKeys(filters);
  // Before anything is awaited, as the scope is that of the caller.
  const own = filterCondition(installation, property, typeof given === 'object' ? given : undefined, type);
  const filtered = await applyOthers(isAlone ? WITHOUT_OWN : { ...filters, ...(WITHOUT_OWN as object) });
  if (!Utils.hasObjectKeys(own)) {
    return filtered;
  }
  const condition = meta.properties[property as never]?.['customType']
    ? QueryHelper.processWhere({
        where: own,
        entityName: meta.class,
        metadata: em.getMetadata(),
        platform: em.getPlatform(),
      } as never)
    : own;
  // What other filters ask may be marked as strict, which a copy would lose.
  return filtered === where && Utils.isPlainObject(where) && !(property in where)
    ? { ...condition, ...where }
    : ({ $and: [condition, filtered].filter((each) => each !== undefined) } as Condition);
}
