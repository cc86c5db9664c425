import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';

/**
 * The assignments that mark a row `c` as deleted at a time, or as active: the timestamp and, so that a stale copy in memory
 * is noticed, the version of optimistic locking. Nothing else of the row changes.
 *
 * @internal
 */
export function stampSql(
  em: EntityManager,
  { meta, column, columnType }: SoftDeletableEntityMetadata,
  unit: string | null,
): { readonly assignments: string; readonly params: readonly unknown[] } {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const assignments = [`${quote(column)} = ${unit === null ? 'null' : `cast(? as ${columnType})`}`];
  const version = meta.ownsVersionProperty() ? meta.properties[meta.versionProperty] : undefined;
  if (version) {
    const versionColumn = quote(version.fieldNames[0]!);
    assignments.push(
      version.runtimeType === 'Date'
        ? `${versionColumn} = ${em.getPlatform().getCurrentTimestampSQL(version.length)}`
        : `${versionColumn} = c.${versionColumn} + 1`,
    );
  }
  return { assignments: assignments.join(', '), params: unit === null ? [] : [unit] };
}
