import { type BatchRange, cursorSql, inRangeSql, orderBySql } from '../fragments/batch-range.js';
import { type DueRows, keySql } from '../fragments/row-sql.js';

/** @internal */
export interface ListedRow {
  readonly key: string;
  /** The cursor behind this row. */
  readonly last: readonly string[];
}

/** The keys of the next due rows, blocked or not, without touching them: for batches that are not removed as a range. @internal */
export function listRange(rows: DueRows, range: BatchRange): string {
  const { entity } = rows.plan;
  return `select ${keySql(entity.table)} as key, ${cursorSql(entity, range.order, 'p')} as last
from ${entity.table.name} as p where ${inRangeSql(rows, range).join(' and ')} ${orderBySql(entity, range.order)} limit ${range.size}`;
}
