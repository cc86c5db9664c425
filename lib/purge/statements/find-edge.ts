import { type BatchRange, behindCursorSql, cursorSql, orderBySql } from './batch-range.js';
import { type DueRows, dueSql } from './row-sql.js';

/** @internal */
export interface EdgeRow {
  /** The cursor behind the last row of the stretch. */
  readonly last: readonly string[];
}

/** The last row of a full stretch of due rows, blocked or not; no row if fewer are left. @internal */
export function findEdge({ plan: { entity }, cutoff, quote }: DueRows, range: BatchRange): string {
  const conditions = [dueSql(entity, cutoff, quote), ...behindCursorSql(entity, range, quote)];
  return `select ${cursorSql(entity, range.order, 'p')} as last from ${entity.table.name} as p
where ${conditions.join(' and ')} ${orderBySql(entity, range.order)} offset ${range.size - 1} limit 1`;
}
