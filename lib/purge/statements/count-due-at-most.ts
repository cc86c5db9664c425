import { type DueRows, dueSql } from '../fragments/row-sql.js';

/** Counts the due rows of each entity in one statement, none further than a limit. @internal */
export function countDueAtMost(all: readonly DueRows[], limit: number): string {
  return all
    .map(
      ({ plan: { entity }, cutoff, quote }, e) =>
        `select ${e} as e, (select count(*)::int from (select from ${entity.table.name} as p where ${dueSql(entity, cutoff, quote)} limit ${limit}) as d) as due`,
    )
    .join('\nunion all ');
}
