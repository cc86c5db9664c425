import { candidateColumns, standingSql } from '../fragments/held-rows-sql.js';
import { type DueRows, keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';

/**
 * Those of the locked rows that nothing blocks. A statement of its own, so that it sees every reference that was committed
 * before the rows were locked; none can be added after.
 *
 * @internal
 */
export function listClearKeys(rows: DueRows, keys: readonly string[]): string {
  const { plan, quote } = rows;
  const { entity } = plan;
  return `with recursive candidate as materialized (
  select ${keySql(entity.table)} as "purge:key", p.tableoid as "purge:part", p.ctid as "purge:place", ${candidateColumns(
    plan,
  )
    .map((column) => `p.${column}`)
    .join(', ')}
  from ${keyListSql(entity.table, keys, quote)} join ${entity.table.name} as p on ${sameKeySql(entity.table, 'p')}
), ${standingSql(rows)}
select c."purge:key" as key from candidate as c
where not exists (select from notDue as s where s."purge:place" = c."purge:place" and s."purge:part" = c."purge:part")`;
}
