import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import { FormerColumns } from './former-columns.js';

/**
 * The values of rows `a` of the archive as the columns of their table today, as the arguments of a `select`. What the row did not have is
 * null. PostgreSQL reads a value only where the query around needs it.
 *
 * @internal
 */
export function typedColumnsSql(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  columns: readonly TableColumn[],
): string {
  const former = new FormerColumns(catalog, meta, new Set(columns.map(({ name }) => name)));
  return columns
    .map(
      ({ name, type }) => `cast(${former.textSql(em, name)} as ${type}) as ${em.getPlatform().quoteIdentifier(name)}`,
    )
    .join(', ');
}
