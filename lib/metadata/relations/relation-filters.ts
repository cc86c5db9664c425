import {
  type Dictionary,
  type EntityMetadata,
  type EntityProperty,
  type FilterOptions,
  ReferenceKind,
} from '@mikro-orm/core';
import type { SoftDeleteCatalog } from '../soft-delete-catalog.js';

/** What a relation shows: rows whatever their state, or only those that the scope shows. */
type Showing = 'every' | 'scoped';

/**
 * Writes on every relation to a soft-deletable entity whether the filter concerns it: a reference keeps resolving, a member of a
 * collection or the other side of a one-to-one relation does not.
 *
 * The ORM hands a relation's `filters` on to everything read behind it, and lets what was handed on win over the next relation's
 * own (`mergePropertyFilters` in `QueryHelper.js`): a plain `softDelete: false` on `Book.author` would show the deleted books of
 * that author in `populate: ['author.books']`, and one on any relation the deleted members of the relations that happen to be
 * declared after it (`autoJoinRefsForFilters` in `EntityManager.js`, `applyJoinedFilters` in `QueryBuilder.js`). So each
 * relation passes the filter an argument under its own name. Merged, the relation followed last comes first.
 *
 * @internal
 */
export function writeRelationFilters(meta: EntityMetadata, name: string, catalog: SoftDeleteCatalog): void {
  for (const prop of new Set([...meta.relations, ...Object.values(meta.properties)])) {
    const targets = prop.polymorphTargets ?? (prop.targetMeta ? [prop.targetMeta] : []);
    if (prop.kind === ReferenceKind.EMBEDDED || !targets.some((target) => catalog.find(target))) {
      continue;
    }
    if (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner) {
      // Whatever is declared, the row on the other side may be deleted: an inner join would take this one along.
      prop.nullable = true;
    }
    const filters = named(prop.filters);
    if (filters && !isWritten(filters[name])) {
      prop.filters = { ...filters, [name]: { [`${meta.className}.${prop.name}`]: showing(prop, filters[name]) } };
    }
  }
}

/** What the relation that was followed last shows, or `undefined` where a query starts. @internal */
export function followedRelation(args: Dictionary | undefined): Showing | undefined {
  return args && Object.values(args).find(isShowing);
}

/** Whether the author of a relation switched the filter off for it, as far as to-many relations go. @internal */
export function showsEvery(prop: EntityProperty, name: string): boolean {
  const filters = prop.filters;
  return filters === false || followedRelation(named(filters)?.[name] as Dictionary) === 'every';
}

function showing(prop: EntityProperty, filter: unknown): Showing {
  if (filter !== undefined) {
    return filter === false ? 'every' : 'scoped';
  }
  const isReference = prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
  return isReference ? 'every' : 'scoped';
}

/** Filter options as an object. `false` stays what it is: it switches off the filters that are not ours as well. */
function named(filters: FilterOptions | undefined): Dictionary | undefined {
  if (filters === false) {
    return undefined;
  }
  if (filters === true || filters === undefined) {
    return {};
  }
  return Array.isArray(filters) ? Object.fromEntries(filters.map((filter) => [filter, true])) : filters;
}

function isWritten(filter: unknown): boolean {
  return typeof filter === 'object' && filter !== null && Object.values(filter).some(isShowing);
}

function isShowing(value: unknown): value is Showing {
  return value === 'every' || value === 'scoped';
}
