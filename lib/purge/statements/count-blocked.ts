import { blockedSql, FAILED, type CountedRows } from '../fragments/blocked.js';
import { dueSql } from '../fragments/row-sql.js';

/** @internal */
export interface BlockedCountRow {
  /** The position of the entity. */
  readonly e: number;
  /** `'due'`, `'failed'`, `'blocked'`, or the position of the path that blocks. */
  readonly what: string;
  readonly count: string;
}

/** Counts due rows and what stands in their way, per entity, at one moment. Writes nothing and takes no lock. @internal */
export function countBlocked(counted: readonly CountedRows[], areFew: boolean): string {
  const counts = counted.map(
    ({ plan, cutoff, quote }, e) =>
      `select ${e} as e, 'due' as what, count(*)::text as count from ${plan.entity.table.name} as p where ${dueSql(plan.entity, cutoff, quote)}`,
  );
  return `with recursive ${blockedSql(counted, areFew)}, one as (
  select e, part, place, bool_or(via = ${FAILED}) as failed from blocked group by e, part, place
)
${counts.join('\nunion all ')}
union all select e, case when failed then 'failed' else 'blocked' end, count(*)::text from one group by e, failed
union all select e, via::text, count(*)::text from blocked where via >= 0 group by e, via`;
}
