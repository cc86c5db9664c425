import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { TableColumn } from '../../postgres/table-shape.js';

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
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const former = new Map([...(catalog.findArchived(meta)?.renamed ?? [])].map(([old, name]) => [name, old]));
  return columns
    .map(({ name, type }) => {
      const values = [name, ...(former.has(name) ? [former.get(name)!] : [])].map((of) => valueSql(em, of));
      const text = values.length > 1 ? `coalesce(${values.join(', ')})` : values[0]!;
      return `cast(${text} as ${type}) as ${quote(name)}`;
    })
    .join(', ');
}

/** The text of a column's value in rows `a` of the archive. @internal */
export function valueSql(em: EntityManager, column: string): string {
  return `(a."data" ->> ${em.getPlatform().quoteValue(column)})`;
}
