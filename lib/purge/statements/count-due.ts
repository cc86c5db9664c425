import { type DueRows, dueSql } from '../fragments/row-sql.js';

/** How many rows are due, but not counting further than a limit. @internal */
export function countDue({ plan: { entity }, cutoff, quote }: DueRows, limit: number): string {
  return `select count(*)::int as due from (
  select from ${entity.table.name} as p where ${dueSql(entity, cutoff, quote)} limit ${limit}
) as d`;
}
