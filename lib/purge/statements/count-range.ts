import { type BatchRange, behindCursorSql } from './batch-range.js';
import { type DueRows, dueSql } from './row-sql.js';

/** How many due rows, blocked or not, a stretch holds that is not full. @internal */
export function countRange({ plan: { entity }, cutoff, quote }: DueRows, range: BatchRange): string {
  const conditions = [dueSql(entity, cutoff, quote), ...behindCursorSql(entity, range, quote)];
  return `select count(*)::int as due from ${entity.table.name} as p where ${conditions.join(' and ')}`;
}
