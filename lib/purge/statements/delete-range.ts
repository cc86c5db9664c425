import { type BatchRange, inRangeSql, untilCursorSql } from '../fragments/batch-range.js';
import { goneColumnsSql, type GoneKeys, toldKeysSql, toldSql } from '../fragments/gone-rows-sql.js';
import { type DueRows, unblockedSql } from '../fragments/row-sql.js';

/** What a removal returns if it is recorded, or somebody wants to know which rows went. @internal */
export interface RangeRow {
  readonly gone: number;
  readonly keys: GoneKeys;
}

/**
 * Removes a stretch of due rows as a range. A row that was changed since the statement began is checked again by the database
 * before it goes, so a restored one stays. Reading by place reads each page of a table once; reading by age reads no more than
 * the due rows, and the cursor keeps batches from passing the remains of earlier ones.
 *
 * @param checks - whether rows that something needs are left out; otherwise their foreign keys refuse the whole stretch
 * @internal
 */
export function deleteRange(
  rows: DueRows,
  range: BatchRange,
  last: readonly string[] | undefined,
  checks: boolean,
): string {
  const { plan, quote } = rows;
  const { entity } = plan;
  const unforced = plan.blockers.filter(({ isEnforced }) => !isEnforced);
  const conditions = [
    ...inRangeSql(rows, range),
    ...(last ? [untilCursorSql(entity, range.order, last, quote)] : []),
    ...unblockedSql(rows, checks ? plan.blockers : unforced),
  ];
  const removal = `delete from ${entity.table.name} as p where ${conditions.join(' and ')}`;
  return rows.record || rows.isObserved
    ? `with gone as (${removal} returning ${goneColumnsSql(rows)}), ${toldSql(rows)} select t.gone, ${toldKeysSql(rows)} as keys from told as t`
    : removal;
}
