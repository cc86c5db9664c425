import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { UnitTime } from './take-unit-time.js';

/**
 * The assignments that mark a row `c` as deleted at a time, or as active: the timestamp and, so that a stale copy in memory
 * is noticed, the version of optimistic locking; and who has deleted it, where the entity keeps that. Nothing else of the row changes.
 *
 * @internal
 */
export function assignUnitSql(
  em: EntityManager,
  { meta, column, columnType, deletedBy }: SoftDeletableEntityMetadata,
  unit: UnitTime | null,
): { readonly assignments: string; readonly params: readonly unknown[] } {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const assignments = [`${quote(column)} = ${unit === null ? 'null' : `cast(? as ${columnType})`}`];
  if (deletedBy) {
    assignments.push(`${quote(deletedBy.column)} = ${unit === null ? 'null' : '?'}`);
  }
  const version = meta.ownsVersionProperty() ? meta.properties[meta.versionProperty] : undefined;
  if (version) {
    const versionColumn = quote(version.fieldNames[0]!);
    assignments.push(
      version.runtimeType === 'Date'
        ? `${versionColumn} = ${em.getPlatform().getCurrentTimestampSQL(version.length)}`
        : `${versionColumn} = c.${versionColumn} + 1`,
    );
  }
  const params = unit === null ? [] : [unit.text, ...(deletedBy ? [unit.actor ?? null] : [])];
  return { assignments: assignments.join(', '), params };
}

/** A time of deletion as the text of its unit, in UTC and to the microsecond, whatever the session's settings are. @internal */
export function unitTextSql(column: string, columnType: string): string {
  const utc = hasTimeZone(columnType) ? `${column} at time zone 'UTC'` : column;
  return `to_char(${utc}, 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;
}

/** A time of deletion as a `timestamptz`. @internal */
export function unitTimeSql(column: string, columnType: string): string {
  return hasTimeZone(columnType) ? column : `${column} at time zone 'UTC'`;
}

/** A column without time zone holds UTC, as the ORM writes it. */
function hasTimeZone(columnType: string): boolean {
  return /^(timestamptz|timestamp(\(\d\))? with time zone)/i.test(columnType);
}
