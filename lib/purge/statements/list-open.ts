import { blockedSql, type SurveyedRows } from '../fragments/blocked.js';
import { dueSql, keySql } from '../fragments/row-sql.js';

/** Keys of due rows of one entity that nothing stands in the way of. @internal */
export function listOpen(surveyed: readonly SurveyedRows[], e: number, limit: number): string {
  const { plan, cutoff, quote } = surveyed[e]!;
  return `with recursive ${blockedSql(surveyed)}
select ${keySql(plan.entity.table)} as key from ${plan.entity.table.name} as p
where ${dueSql(plan.entity, cutoff, quote)}
  and not exists (select from blocked as b where b.e = ${e} and b.part = p.tableoid and b.place = p.ctid)
limit ${limit}`;
}
