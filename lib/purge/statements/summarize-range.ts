import { type BatchRange, inRangeSql, orderBySql } from '../fragments/batch-range.js';
import type { DueRows } from '../fragments/row-sql.js';

/** @internal */
export interface SummaryRow {
  /** How many due rows, blocked or not, the stretch holds. */
  readonly due: number;
  /** The cursor behind the last of them, in physical order. */
  readonly last: readonly string[] | null;
}

/** What a stretch of due rows comes to, where it may not be full: reads each of its pages once, due rows or not. @internal */
export function summarizeRange(rows: DueRows, range: BatchRange): string {
  const { entity } = rows.plan;
  const last = range.order === 'place' ? 'jsonb_build_array(max(s.place)::text)' : 'null';
  return `select count(*)::int as due, case when count(*) > 0 then ${last} end as last from (
  select p.ctid as place from ${entity.table.name} as p
  where ${inRangeSql(rows, range).join(' and ')} ${orderBySql(entity, range.order)} limit ${range.size}
) as s`;
}
