import { type BatchRange, behindCursorSql, orderBySql, orderColumns } from './batch-range.js';
import { type DueRows, dueSql } from './row-sql.js';

/** @internal */
export interface EdgeRow {
  /** The cursor behind the last row of the stretch. */
  readonly last: readonly string[];
}

/**
 * The last row of a full stretch of due rows, blocked or not; no row if fewer are left. What it returns is built outside of the
 * subquery, since inside it would be built for each row that is passed.
 *
 * @internal
 */
export function findEdge({ plan: { entity }, cutoff, quote }: DueRows, range: BatchRange): string {
  const conditions = [dueSql(entity, cutoff, quote), ...behindCursorSql(entity, range, quote)];
  const columns = orderColumns(entity, range.order);
  const alias = (i: number) => `c${i}`;
  return `select jsonb_build_array(${columns.map((_, i) => `e.${alias(i)}::text`).join(', ')}) as last from (
  select ${columns.map((column, i) => `p.${column} as ${alias(i)}`).join(', ')} from ${entity.table.name} as p
  where ${conditions.join(' and ')} ${orderBySql(entity, range.order)} offset ${range.size - 1} limit 1
) as e`;
}
