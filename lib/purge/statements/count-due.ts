import { type DueRows, dueSql } from './row-sql.js';

/** How many rows of all these entities are due, but not counting further than a limit. @internal */
export function countDue(all: readonly DueRows[], limit: number): string {
  const parts = all.map(
    ({ plan: { entity }, cutoff, quote }) =>
      `(select 1 from ${entity.table.name} as p where ${dueSql(entity, cutoff, quote)} limit ${limit})`,
  );
  return `select count(*)::int as due from (
  select from (${parts.join(' union all ')}) as u limit ${limit}
) as d`;
}
