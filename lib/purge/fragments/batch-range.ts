import type { PurgeEntity } from '../plan/key-graph.js';
import { type DueRows, dueSql, stillDueSql, timeSql } from './row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';
import { textSql } from '../../sql/row-set.js';

/**
 * In which order a pass goes through the due rows of a table: as they lie there, oldest deletion first, or latest first.
 *
 * @internal
 */
export type PassOrder = 'place' | 'age' | 'youth';

/** A stretch of due rows: those behind the cursor, at most so many. @internal */
export interface BatchRange {
  readonly order: PassOrder;
  /** Where the batch before ended, as text; `undefined` at the beginning. */
  readonly cursor: readonly string[] | undefined;
  readonly size: number;
  /** Where a batch in physical order must end: the number of a page. */
  readonly untilPage: number;
  /** Whether few of the rows that lie there are due, going by the batch before. */
  readonly isSparse: boolean;
}

/** The columns by which a pass is ordered. @internal */
export function orderColumns({ deletedAt, table }: PurgeEntity, order: PassOrder): string[] {
  return order === 'place' ? ['ctid'] : [deletedAt.name, ...table.key.map(({ name }) => name)];
}

/** `order by` for the rows `p`; rows that are read by place come in this order anyway. @internal */
export function orderBySql(entity: PurgeEntity, order: PassOrder): string {
  const columns = orderColumns(entity, order).map((column) => `p.${column}${order === 'youth' ? ' desc' : ''}`);
  return order === 'place' ? '' : `order by ${columns.join(', ')}`;
}

/**
 * Conditions for the due rows `p` of a range.
 *
 * In physical order nothing but the place may lead to the rows: a plan that takes an index on the way, since the statistics know of
 * few due rows, returns them in another order, and with a limit leaves some out.
 *
 * @param place - where the rows begin, as SQL for each column of the order, if not behind the cursor
 * @internal
 */
export function inRangeSql(
  { plan: { entity }, cutoff, quote }: DueRows,
  { order, cursor, untilPage }: BatchRange,
  place = cursor && valuesSql(entity, order, cursor, quote),
): string[] {
  const behind = place ? [compareSql(entity, order, order === 'youth' ? '<' : '>', place)] : [];
  return order === 'place'
    ? [...behind, `p.ctid < '(${untilPage},0)'::tid`, stillDueSql(entity, cutoff, quote)]
    : [...behind, dueSql(entity, cutoff, quote)];
}

/** The condition for the rows `p` up to a cursor, including it. @internal */
export function untilCursorSql(
  entity: PurgeEntity,
  order: PassOrder,
  cursor: readonly string[],
  quote: QuoteValue,
): string {
  return compareSql(entity, order, order === 'youth' ? '>=' : '<=', valuesSql(entity, order, cursor, quote));
}

/**
 * The place of a row in the order as a cursor: text, since a `Date` has no microseconds.
 *
 * @param names - what the columns of the order are called there
 * @internal
 */
export function cursorSql(
  entity: PurgeEntity,
  order: PassOrder,
  alias: string,
  names: readonly string[] = orderColumns(entity, order),
): string {
  const types = order === 'place' ? ['tid'] : [entity.deletedAt, ...entity.table.key].map(({ type }) => type);
  return `jsonb_build_array(${names.map((name, i) => textSql(`${alias}.${name}`, types[i]!)).join(', ')})`;
}

function valuesSql(entity: PurgeEntity, order: PassOrder, cursor: readonly string[], quote: QuoteValue): string[] {
  if (order === 'place') {
    return [`${quote(cursor[0]!)}::tid`];
  }
  return [
    timeSql(entity.deletedAt, cursor[0]!, quote),
    ...entity.table.key.map(({ type }, i) => `${quote(cursor[i + 1]!)}::${type}`),
  ];
}

function compareSql(entity: PurgeEntity, order: PassOrder, operator: string, place: readonly string[]): string {
  if (order === 'place') {
    return `p.ctid ${operator} ${place[0]!}`;
  }
  const columns = orderColumns(entity, order).map((column) => `p.${column}`);
  return `(${columns.join(', ')}) ${operator} (${place.join(', ')})`;
}
