import { ageAfterSql, ageColumns, ageTextSql } from './age-order.js';
import type { BatchRange } from './batch-range.js';
import { type DueRows, dueSql, keySql } from './row-sql.js';

/** @internal */
export interface ListedRow {
  readonly key: string;
  /** The cursor behind this row. */
  readonly last: readonly string[];
}

/** The keys of the next due rows, blocked or not, without touching them: for batches that are not removed as a range. @internal */
export function listRange(
  { plan, cutoff, quote }: DueRows,
  range: BatchRange,
  order: 'place' | 'age' | 'youth',
): string {
  const { entity } = plan;
  const due = dueSql(entity, cutoff, quote);
  if (order === 'place') {
    const after = `p.ctid > ${quote(range.cursor?.[0] ?? '(0,0)')}::tid and p.ctid < '(${range.untilPage},0)'::tid`;
    return `select ${keySql(entity.table)} as key, jsonb_build_array(p.ctid::text) as last
from ${entity.table.name} as p where ${after} and ${due} limit ${range.size}`;
  }
  const after = ageAfterSql(entity, range.cursor, quote, order === 'age' ? '>' : '<');
  const columns = ageColumns(entity).map((column) => `p.${column}${order === 'age' ? '' : ' desc'}`);
  return `select ${keySql(entity.table)} as key, ${ageTextSql(entity, 'p')} as last
from ${entity.table.name} as p where ${[due, ...after].join(' and ')} order by ${columns.join(', ')} limit ${range.size}`;
}
