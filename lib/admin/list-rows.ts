import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { hasTimeZone } from '../sql/deleted-at-sql.js';
import { entityKeyOf } from '../sql/entity-key.js';
import { primaryColumnTypes, type RowKey, textSql } from '../sql/row-set.js';
import { type RowSelection, selectRows } from '../sql/select-rows.js';
import { tableName } from '../sql/table-name.js';
import type { AdminEntity } from './admin-entity.js';
import type { Cursor, ListQuery } from './api/list-query.js';

/** A deleted row before its entity is loaded. @internal */
export interface ListedRow {
  /** As the database has it. */
  readonly row: RowKey;
  /** As the entity has it. */
  readonly key: unknown;
  /** To the microsecond, in UTC. */
  readonly deletedAt: string;
  readonly cursor: Cursor;
}

/** @internal */
export interface ListedPage {
  readonly rows: readonly ListedRow[];
  readonly hasMore: boolean;
}

/** @internal */
export interface ListSources {
  /** A further condition on the rows. */
  readonly only?: AnyCondition;
  /** The entity of the records, which say who deleted a row. */
  readonly records?: EntityMetadata | undefined;
}

/**
 * One page of deleted rows, within the application's filters: one statement, which the purge index answers if the page is sorted by the
 * time of deletion.
 *
 * @internal
 */
export async function listRows(
  em: EntityManager,
  { meta, entry, search, shownActor }: AdminEntity,
  query: ListQuery,
  { only = {}, records }: ListSources = {},
): Promise<ListedPage> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const { root } = meta;
  const conditions: AnyCondition[] = [only];
  if (query.q !== undefined) {
    const pattern = `%${query.q.replace(/[\\%_]/g, '\\$&')}%`;
    conditions.push({ $or: search.map((name) => ({ [name]: { $ilike: pattern } })) });
  }
  const selected = await selectRows(em, meta, { $and: conditions } as never, { scope: 'only' });
  const where = [deletedWhere(em, root, selected)];
  const params: unknown[] = [...whereParams(selected)];
  const deleted = `c.${quote(entry.column)}`;
  for (const [bound, operator] of [
    [query.from, '>='],
    [query.to, '<'],
  ] as const) {
    if (bound) {
      where.push(`${utcSql(deleted, entry.columnType)} ${operator} ?::timestamp`);
      params.push(bound.toISOString().slice(0, -1));
    }
  }
  if (query.actor !== undefined) {
    const ways = [
      ...(shownActor ? [`c.${quote(shownActor.column)} = ?`] : []),
      ...(records ? [recordedSql(em, records, deleted, entry.columnType)] : []),
    ];
    where.push(`(${ways.join(' or ')})`);
    params.push(...(shownActor ? [query.actor] : []), ...(records ? [entry.name, query.actor] : []));
  }
  const sortProp = meta.properties[query.sort as never] as EntityProperty;
  const sortType = sortProp.columnTypes[0]!;
  const sorted = `c.${quote(sortProp.fieldNames[0]!)}`;
  const keys = primaryColumnTypes(root).map(({ column, type }) => ({ name: `c.${quote(column)}`, type }));
  if (query.after) {
    const after = afterSql(sorted, sortType, keys, query.after, query.descending);
    where.push(after.sql);
    params.push(...after.params);
  }
  const direction = query.descending ? 'desc' : 'asc';
  const nulls = query.descending ? 'nulls first' : 'nulls last';
  const order = `order by ${sorted} ${direction} ${nulls}, ${keys.map(({ name }) => `${name} ${direction}`).join(', ')}`;
  // Sorted and cut first: PostgreSQL would write every row as text before it sorts.
  const rows = await em.execute<Record<string, unknown>[]>(
    `select ${keys.map(({ name }, i) => `${name} as "soft-delete:${i}"`).join(', ')}, ` +
      `array[${keys.map(({ name, type }) => textSql(name, type)).join(', ')}] as "soft-delete:key", ` +
      `${textSql(sorted, sortType)} as "soft-delete:sort", ${microsecondsSql(deleted, entry.columnType)} as "soft-delete:at" ` +
      `from (select c.* from ${tableName(em, root)} as c where ${where.join(' and ')} ${order} limit ${query.limit + 1}) as c ${order}`,
    params,
  );
  return {
    rows: rows.slice(0, query.limit).map((row) => ({
      row: row['soft-delete:key'] as string[],
      key: entityKeyOf(
        em.getPlatform(),
        root,
        keys.map((_key, i) => row[`soft-delete:${i}`] as unknown),
      ),
      deletedAt: row['soft-delete:at'] as string,
      cursor: { value: row['soft-delete:sort'] as string | null, key: row['soft-delete:key'] as string[] },
    })),
    hasMore: rows.length > query.limit,
  };
}

/** Whether the deletion that a row carries the time of is on record as one of an actor's. */
function recordedSql(em: EntityManager, records: EntityMetadata, deleted: string, type: string): string {
  const unit = hasTimeZone(type) ? 'r."unit"' : `r."unit" at time zone 'UTC'`;
  return (
    `${deleted} in (select ${unit} from ${tableName(em, records)} as r ` +
    `where r."entity" = ? and r."action" = 'deleted' and r."actor" = ?)`
  );
}

/** The condition of a selection on the rows `c`. @internal */
export function deletedWhere(em: EntityManager, root: EntityMetadata, { keys, condition }: RowSelection): string {
  if (condition) {
    return `(${condition.sql})`;
  }
  const columns = primaryColumnTypes(root).map(({ column }) => `c.${em.getPlatform().quoteIdentifier(column)}`);
  return `(${columns.join(', ')}) in (${keys.sql})`;
}

/** @internal */
export function whereParams({ keys, condition }: RowSelection): readonly unknown[] {
  return (condition ?? keys).params;
}

/** A time of deletion in UTC without a zone: what a column without one is taken for. */
function utcSql(column: string, type: string): string {
  return hasTimeZone(type) ? `(${column} at time zone 'UTC')` : column;
}

/** @internal */
export function microsecondsSql(column: string, type: string): string {
  const utc = utcSql(column, type);
  return `case when isfinite(${column}) then to_char(${utc}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else ${column}::text end`;
}

/** Rows behind a cursor. Nulls are greater than everything, as PostgreSQL sorts them. */
function afterSql(
  sorted: string,
  type: string,
  keys: readonly { name: string; type: string }[],
  { value, key }: Cursor,
  descending: boolean,
): { sql: string; params: unknown[] } {
  const operator = descending ? '<' : '>';
  const names = keys.map(({ name }) => name);
  const parts = keys.map((part) => `?::${castType(part.type)}`);
  const behindKey = `(${names.join(', ')}) ${operator} (${parts.join(', ')})`;
  if (value === null) {
    return descending
      ? { sql: `(${sorted} is not null or ${behindKey})`, params: [...key] }
      : { sql: `(${sorted} is null and ${behindKey})`, params: [...key] };
  }
  const bound = `?::${castType(type)}`;
  const row = `(${[sorted, ...names].join(', ')}) ${operator} (${[bound, ...parts].join(', ')})`;
  return descending
    ? { sql: row, params: [value, ...key] }
    : { sql: `(${row} or ${sorted} is null)`, params: [value, ...key] };
}

/** A serial is an integer with a default, and no type. */
function castType(type: string): string {
  return type
    .replace(/^bigserial/i, 'bigint')
    .replace(/^smallserial/i, 'smallint')
    .replace(/^serial/i, 'int');
}
