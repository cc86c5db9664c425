import { type DueRows, dueSql } from '../fragments/row-sql.js';

/** Whether more rows of these entities are due than a limit. Looks no further than that. @internal */
export function hasMoreDue(all: readonly DueRows[], limit: number): string {
  const parts = all.map(
    ({ plan: { entity }, cutoff, quote }) =>
      `(select 1 from ${entity.table.name} as p where ${dueSql(entity, cutoff, quote)} limit ${limit + 1})`,
  );
  return `select exists (select from (${parts.join(' union all ')}) as due offset ${limit}) as "hasMore"`;
}
