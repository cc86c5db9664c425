import { type Dictionary, type EntityMetadata, type FilterDef, type FilterOptions, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { scopePredicate } from '../metadata/active-predicate.js';
import type { Installation } from '../metadata/installation.js';

/**
 * The name of the one global filter, for `{ filters: { softDelete: false } }` in the ORM's own find options.
 *
 * @publicApi
 */
export const SOFT_DELETE_FILTER = 'softDelete';

/**
 * Registers the filter of active rows for the marked entities, and lets to-one relations keep resolving.
 *
 * It goes into the ORM's configuration rather than through `em.addFilter()`, which reaches later forks of one entity manager
 * only: an entity manager forked before would show deleted rows.
 *
 * @internal
 */
export function registerFilter(em: EntityManager, installation: Installation): void {
  const filters = em.config.get('filters') as Dictionary<FilterDef>;
  if (SOFT_DELETE_FILTER in filters) {
    throw new SoftDeleteConfigError(
      `filters.${SOFT_DELETE_FILTER}`,
      'the MikroORM configuration has a filter of this name, which this package registers itself.',
      'Rename or remove it.',
    );
  }
  em.config.set('filters', { ...filters, [SOFT_DELETE_FILTER]: createFilter(em, installation) } as never);
  for (const meta of em.getMetadata()) {
    keepReferencesResolving(meta, installation);
  }
}

function createFilter(em: EntityManager, { catalog, scope }: Installation): FilterDef {
  const properties = new Map<string, string>();
  const classes: EntityMetadata['class'][] = [];
  for (const meta of em.getMetadata()) {
    const entry = catalog.find(meta);
    if (entry && meta.class) {
      classes.push(meta.class);
      properties.set(meta.className, entry.property);
    }
  }
  return {
    name: SOFT_DELETE_FILTER,
    entity: classes,
    default: true,
    args: false,
    cond: (_args, type, _em, _options, entityName) => {
      // A scope widens what is read; it never lets a bulk update or delete reach rows that nobody sees.
      const current = type === 'read' ? (scope.getStore() ?? 'active') : 'active';
      return scopePredicate(current, properties.get(entityName!)!);
    },
  };
}

/**
 * Without this, the ORM joins the target of every to-one relation to apply its filters, and a reference to a deleted row reads
 * as null. A relation that names the filter itself is left as its author wants it.
 */
function keepReferencesResolving(meta: EntityMetadata, { catalog }: Installation): void {
  if (meta.pivotTable) {
    return;
  }
  for (const prop of new Set([...meta.relations, ...Object.values(meta.properties)])) {
    const isReference =
      prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
    if (!isReference || !prop.targetMeta) {
      continue;
    }
    const targets = prop.polymorphTargets ?? [prop.targetMeta];
    if (targets.some((target) => catalog.find(target))) {
      prop.filters = exceptSoftDelete(prop.filters);
    }
  }
}

function exceptSoftDelete(filters: FilterOptions | undefined): FilterOptions {
  if (typeof filters === 'boolean') {
    return filters;
  }
  const named = Array.isArray(filters) ? Object.fromEntries(filters.map((name) => [name, true])) : filters;
  return { [SOFT_DELETE_FILTER]: false, ...named } as FilterOptions;
}
