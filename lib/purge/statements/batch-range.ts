import type { PurgeEntity } from '../key-graph.js';
import type { QuoteValue } from './path-sql.js';
import { timeSql } from './row-sql.js';

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

/** The columns that the order of a pass goes by. @internal */
export function orderColumns({ deletedAt, table }: PurgeEntity, order: PassOrder): string[] {
  return order === 'place' ? ['ctid'] : [deletedAt.name, ...table.key.map(({ name }) => name)];
}

/** `order by` for the rows `p`; rows that are read by place come in this order anyway. @internal */
export function orderBySql(entity: PurgeEntity, order: PassOrder): string {
  const columns = orderColumns(entity, order).map((column) => `p.${column}${order === 'youth' ? ' desc' : ''}`);
  return order === 'place' ? '' : `order by ${columns.join(', ')}`;
}

/** Conditions for the rows `p` behind the cursor. @internal */
export function behindCursorSql(entity: PurgeEntity, range: BatchRange, quote: QuoteValue): string[] {
  const { order, cursor, untilPage } = range;
  if (order === 'place') {
    return [`p.ctid > ${quote(cursor?.[0] ?? '(0,0)')}::tid`, `p.ctid < '(${untilPage},0)'::tid`];
  }
  return cursor ? [compareSql(entity, order, order === 'age' ? '>' : '<', cursor, quote)] : [];
}

/** The condition for the rows `p` up to a cursor, including it. @internal */
export function untilCursorSql(
  entity: PurgeEntity,
  order: PassOrder,
  cursor: readonly string[],
  quote: QuoteValue,
): string {
  return compareSql(entity, order, order === 'youth' ? '>=' : '<=', cursor, quote);
}

/** The place of a row in the order as a cursor: text, since a `Date` has no microseconds. @internal */
export function cursorSql(entity: PurgeEntity, order: PassOrder, alias: string): string {
  return `jsonb_build_array(${orderColumns(entity, order)
    .map((column) => `${alias}.${column}::text`)
    .join(', ')})`;
}

function compareSql(
  entity: PurgeEntity,
  order: PassOrder,
  operator: string,
  cursor: readonly string[],
  quote: QuoteValue,
): string {
  if (order === 'place') {
    return `p.ctid ${operator} ${quote(cursor[0]!)}::tid`;
  }
  const columns = orderColumns(entity, order).map((column) => `p.${column}`);
  const values = [
    timeSql(entity.deletedAt, cursor[0]!, quote),
    ...entity.table.key.map(({ type }, i) => `${quote(cursor[i + 1]!)}::${type}`),
  ];
  return `(${columns.join(', ')}) ${operator} (${values.join(', ')})`;
}
