import { type DueRows, dueSql } from '../fragments/row-sql.js';

/** How many rows of an entity are not due, active ones and deleted ones, but not counting further than a limit. @internal */
export function countOtherRows({ plan: { entity }, cutoff, quote }: DueRows, limit: number): string {
  return `select count(*)::text as rows from (
  select from ${entity.table.name} as p where (${dueSql(entity, cutoff, quote)}) is not true limit ${limit}
) as o`;
}
