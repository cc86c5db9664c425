import { blockedSql, type CountedRows } from '../fragments/blocked.js';
import { dueSql } from '../fragments/row-sql.js';

/** The time of deletion of the oldest due row per entity that nothing stands in the way of. @internal */
export function readOldestOpen(counted: readonly CountedRows[], areFew: boolean): string {
  const oldest = counted.map(({ plan, cutoff, quote }, e) => {
    const { deletedAt, table } = plan.entity;
    const zoned =
      deletedAt.type === 'timestamp without time zone'
        ? `p.${deletedAt.name} at time zone 'UTC'`
        : `p.${deletedAt.name}`;
    return `select ${e} as e, (extract(epoch from min(${zoned})) * 1000)::text as oldest from ${table.name} as p
where ${dueSql(plan.entity, cutoff, quote)}
  and not exists (select from blocked as b where b.e = ${e} and b.part = p.tableoid and b.place = p.ctid)`;
  });
  return `with recursive ${blockedSql(counted, areFew)}\n${oldest.join('\nunion all ')}`;
}
