import { type GoneRow, goneRowSql, goneRowsSql } from '../fragments/gone-rows-sql.js';
import { type DueRows, keyListSql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/** @internal */
export interface LockedRow {
  /** How many rows of each set went. */
  readonly gone: readonly number[];
  /** Which, if somebody attends. */
  readonly rows: readonly (readonly GoneRow[] | null)[];
}

/**
 * Removes rows that the transaction has locked and checked, of several entities at once if they reference each other: the
 * database checks foreign keys at the end of the statement.
 *
 * @internal
 */
export function deleteLocked(sets: readonly { readonly rows: DueRows; readonly keys: readonly string[] }[]): string {
  const removals = sets.map(({ rows, keys }, i) => {
    const { plan, cutoff, quote } = rows;
    const { table } = plan.entity;
    return `gone${i} as (
  delete from ${table.name} as p using ${keyListSql(table, keys, quote)}
  where ${sameKeySql(table, 'p')} and ${stillDueSql(plan.entity, cutoff, quote)} returning ${goneRowSql(rows)}
)`;
  });
  const counts = sets.map((_, i) => `(select count(*)::int from gone${i})`);
  const gone = sets.map(({ rows }, i) => goneRowsSql(rows, `gone${i}`));
  return `with ${removals.join(', ')}
select jsonb_build_array(${counts.join(', ')}) as gone, jsonb_build_array(${gone.join(', ')}) as rows`;
}
