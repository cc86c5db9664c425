import { candidateColumns, standingSql } from '../fragments/held-rows-sql.js';
import { goneColumnsSql, type GoneKeys, toldKeysSql, toldSql } from '../fragments/gone-rows-sql.js';
import { type DueRows, keyListSql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/** @internal */
export interface KeysRow {
  /** How many of the rows are still due and not locked by anybody. */
  readonly due: number;
  /** How many of those nothing blocks. */
  readonly clear: number;
  readonly gone: number;
  readonly keys: GoneKeys;
}

/**
 * Removes the rows of a list that are still due, that nobody has locked and that nothing references but rows of the list which go
 * as well. Passing over locked rows, it never waits for a user.
 *
 * @internal
 */
export function deleteKeys(rows: DueRows, keys: readonly string[]): string {
  const { plan, cutoff, quote } = rows;
  const { entity } = plan;
  const due = stillDueSql(entity, cutoff, quote);
  return `with recursive candidate as materialized (
  select p.tableoid as "purge:part", p.ctid as "purge:place", ${candidateColumns(plan)
    .map((column) => `p.${column}`)
    .join(', ')}
  from ${keyListSql(entity.table, keys, quote)} join ${entity.table.name} as p on ${sameKeySql(entity.table, 'p')}
  where ${due} for update of p skip locked
), ${standingSql(rows)}, clear as materialized (
  select c."purge:part", c."purge:place" from candidate as c
  where not exists (select from notDue as s where s."purge:place" = c."purge:place" and s."purge:part" = c."purge:part")
), gone as (
  delete from ${entity.table.name} as p using clear as c where p.ctid = c."purge:place" and p.tableoid = c."purge:part" and ${due}
  returning ${goneColumnsSql(rows)}
), ${toldSql(rows)}
select (select count(*)::int from candidate) as due, (select count(*)::int from clear) as clear,
  (select t.gone from told as t) as gone, ${toldKeysSql(rows)} as keys`;
}
