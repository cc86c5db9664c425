import { goneColumnsSql, type GoneKeys, toldKeysSql, toldSql } from '../fragments/gone-rows-sql.js';
import { type DueRows, keyListSql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/** @internal */
export interface LockedRow {
  /** How many rows of each set went. */
  readonly gone: readonly number[];
  readonly keys: readonly GoneKeys[];
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
  where ${sameKeySql(table, 'p')} and ${stillDueSql(plan.entity, cutoff, quote)} returning ${goneColumnsSql(rows)}
), ${toldSql(rows, i)}`;
  });
  const counts = sets.map((_, i) => `(select t.gone from told${i} as t)`);
  const keys = sets.map(({ rows }, i) => toldKeysSql(rows, `told${i}`));
  return `with ${removals.join(', ')}
select json_build_array(${counts.join(', ')}) as gone, json_build_array(${keys.join(', ')}) as keys`;
}
