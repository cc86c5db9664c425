import { blockedSql, type CountedRows } from '../fragments/blocked.js';
import { dueSql, keySql } from '../fragments/row-sql.js';

/** Keys of due rows of one entity that nothing stands in the way of. @internal */
export function listOpen(counted: readonly CountedRows[], e: number, limit: number, areFew: boolean): string {
  const { plan, cutoff, quote } = counted[e]!;
  return `with recursive ${blockedSql(counted, areFew)}
select ${keySql(plan.entity.table)} as key from ${plan.entity.table.name} as p
where ${dueSql(plan.entity, cutoff, quote)}
  and not exists (select from blocked as b where b.e = ${e} and b.part = p.tableoid and b.place = p.ctid)
limit ${limit}`;
}
