import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { UnitTime } from './take-unit-time.js';
import { execute } from './transaction.js';

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

/**
 * Runs an update of rows `c` with these assignments. Notes at the unit how many of them PostgreSQL returns with another time.
 *
 * @returns how many it has updated
 * @internal
 */
export async function putIntoUnit(
  em: EntityManager,
  ctx: Transaction,
  { meta, column, columnType }: SoftDeletableEntityMetadata,
  unit: UnitTime,
  sql: string,
  params: readonly unknown[],
): Promise<number> {
  const isChanged = `c.${em.getPlatform().quoteIdentifier(column)} is distinct from cast(? as ${columnType})`;
  const [row] = await execute<{ count: number; changed: number }>(
    em,
    ctx,
    `with "soft-delete:updated" as (${sql} returning ${isChanged} as changed) ` +
      `select count(*)::int as count, (count(*) filter (where changed))::int as changed from "soft-delete:updated"`,
    [...params, unit.text],
  );
  noteChanged(unit, meta, row!.changed);
  return row!.count;
}

/** Notes at a unit how many rows of an entity have got another time than the unit's from the database. @internal */
export function noteChanged({ changed }: UnitTime, meta: EntityMetadata, count: number): void {
  if (count > 0) {
    changed.set(meta, (changed.get(meta) ?? 0) + count);
  }
}

/** Whether a row `c` was deleted in the unit of a row `p`, also where one of them has a time zone and the other has none. @internal */
export function sameUnitSql(
  em: EntityManager,
  child: SoftDeletableEntityMetadata,
  parent: SoftDeletableEntityMetadata,
): string {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const isAlike = hasTimeZone(child.columnType) === hasTimeZone(parent.columnType);
  return `c.${quote(child.column)} = p.${quote(parent.column)}${isAlike ? '' : ` at time zone 'UTC'`}`;
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

/** Whether a timestamp has a time zone. A column without one holds UTC, as the ORM writes it. @internal */
export function hasTimeZone(columnType: string): boolean {
  return /^timestamp(tz| *(\(\d\))? with time zone)/i.test(columnType);
}
