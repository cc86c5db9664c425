import { type DueRows, keyListSql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/**
 * Removes rows that the transaction has locked and checked, of several entities at once if they reference each other: the
 * database checks foreign keys at the end of the statement.
 *
 * @internal
 */
export function deleteLocked(sets: readonly { readonly rows: DueRows; readonly keys: readonly string[] }[]): string {
  const removals = sets.map(({ rows: { plan, cutoff, quote }, keys }, i) => {
    const { table } = plan.entity;
    return `gone${i} as (
  delete from ${table.name} as p using ${keyListSql(table, keys, quote)}
  where ${sameKeySql(table, 'p')} and ${stillDueSql(plan.entity, cutoff, quote)} returning 1
)`;
  });
  const counts = sets.map((_, i) => `(select count(*)::int from gone${i})`);
  return `with ${removals.join(', ')}
select jsonb_build_array(${counts.join(', ')}) as gone`;
}
