import { type BatchRange, cursorSql, inRangeSql, orderBySql, orderColumns } from '../fragments/batch-range.js';
import type { DueRows } from '../fragments/row-sql.js';

/** @internal */
export interface BatchEndRow {
  /** The cursor behind the last row of a stretch. */
  readonly last: readonly string[];
}

/**
 * The last rows of stretches of due rows, blocked or not, that follow each other behind the cursor of a range; none for a stretch
 * that is not full. Each is found from the one before, so that no row is passed twice and nothing is built for a row that is
 * only passed.
 *
 * @param size - how many rows a stretch holds
 * @param count - how many stretches at most
 * @internal
 */
export function findBatchEnds(rows: DueRows, range: BatchRange, size: number, count: number): string {
  const { entity } = rows.plan;
  const columns = orderColumns(entity, range.order);
  const names = columns.map((_, i) => `c${i}`);
  const cursor = cursorSql(entity, range.order, 'e', names);
  const nextSql = (conditions: readonly string[]) =>
    `select ${columns.map((column, i) => `p.${column} as ${names[i]}`).join(', ')} from ${entity.table.name} as p
    where ${conditions.join(' and ')} ${orderBySql(entity, range.order)} offset ${size - 1} limit 1`;
  if (count === 1) {
    // Over many partitions planning takes longer than reading, and the recursion would have it done twice.
    return `select ${cursor} as last from (${nextSql(inRangeSql(rows, range))}) as e`;
  }
  const behindEnd = inRangeSql(
    rows,
    range,
    names.map((name) => `e.${name}`),
  );
  return `with recursive batch_end as (
  select 1 as n, first.* from (${nextSql(inRangeSql(rows, range))}) as first
  union all
  select e.n + 1, next.* from batch_end as e, lateral (${nextSql(behindEnd)}) as next where e.n < ${count}
)
select ${cursor} as last from batch_end as e order by e.n`;
}
