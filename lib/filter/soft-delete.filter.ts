import type { Dictionary, EntityMetadata, FilterDef } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { Installation } from '../installation/installation.js';
import type { OrmModel } from '../metadata/soft-delete-catalog.js';
import { filterCondition } from '../orm/filter-condition.js';
import { SOFT_DELETE_FILTER } from '../metadata/filter-name.js';
import { writeRelationFilters } from '../metadata/relations/relation-filters.js';

/**
 * Registers the filter of active rows for the marked entities, and tells the relations how it concerns them.
 *
 * It goes into the ORM's configuration rather than through `em.addFilter()`, which reaches later forks of one entity manager
 * only: an entity manager forked before would show deleted rows.
 *
 * @internal
 */
export function registerFilter(orm: OrmModel, installation: Installation): void {
  const filters = orm.config.get('filters') as Dictionary<FilterDef>;
  if (SOFT_DELETE_FILTER in filters) {
    throw new SoftDeleteConfigError(
      `filters.${SOFT_DELETE_FILTER}`,
      'the MikroORM configuration has a filter of this name, which this package registers itself.',
      'Rename or remove it.',
    );
  }
  orm.config.set('filters', { ...filters, [SOFT_DELETE_FILTER]: createFilter(orm, installation) } as never);
  for (const meta of orm.getMetadata()) {
    writeRelationFilters(meta, SOFT_DELETE_FILTER, installation.catalog);
  }
}

function createFilter(orm: OrmModel, installation: Installation): FilterDef {
  const properties = new Map<string, string>();
  const classes: EntityMetadata['class'][] = [];
  for (const meta of orm.getMetadata()) {
    const entry = installation.catalog.find(meta);
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
    cond: (args: Dictionary | undefined, type, _em, _options, entityName) =>
      filterCondition(installation, properties.get(entityName!)!, args, type),
  };
}
