import { type BatchRange, cursorSql, inRangeSql, orderBySql, orderColumns } from '../fragments/batch-range.js';
import { goneColumnsSql, type GoneKeys, toldKeysSql, toldSql } from '../fragments/gone-rows-sql.js';
import { type DueRows, stillDueSql } from '../fragments/row-sql.js';
import { candidateColumns, standingSql } from '../fragments/held-rows-sql.js';

/** @internal */
export interface TreesRow {
  /** How many due rows the stretch holds. */
  readonly due: number;
  /** The cursor behind the last of them. */
  readonly last: readonly string[] | null;
  readonly gone: number;
  readonly keys: GoneKeys;
}

/**
 * Removes the next due rows of an entity that references itself, the latest first: a row goes if every row that references it goes
 * in the same statement or is gone already. Children are mostly younger than their parents, and the rows of one unit stand
 * next to each other, so one pass removes most trees.
 *
 * @internal
 */
export function deleteTrees(rows: DueRows, range: BatchRange): string {
  const { plan, cutoff, quote } = rows;
  const { entity } = plan;
  const columns = candidateColumns(plan).map((column) => `p.${column}`);
  const backwards = orderColumns(entity, range.order).map(
    (column) => `c.${column === 'ctid' ? '"purge:place"' : column}${range.order === 'youth' ? '' : ' desc'}`,
  );
  const last =
    range.order === 'place' ? 'jsonb_build_array(c."purge:place"::text)' : cursorSql(entity, range.order, 'c');
  return `with recursive candidate as materialized (
  select p.tableoid as "purge:part", p.ctid as "purge:place", ${columns.join(', ')}
  from ${entity.table.name} as p where ${inRangeSql(rows, range).join(' and ')} ${orderBySql(entity, range.order)} limit ${range.size}
), ${standingSql(rows)}, gone as (
  delete from ${entity.table.name} as p using candidate as c
  where p.ctid = c."purge:place" and p.tableoid = c."purge:part" and ${stillDueSql(entity, cutoff, quote)}
    and not exists (select from notDue as s where s."purge:place" = c."purge:place" and s."purge:part" = c."purge:part")
  returning ${goneColumnsSql(rows)}
), ${toldSql(rows)}
select (select count(*)::int from candidate) as due,
  (select ${last} from candidate as c order by ${backwards.join(', ')} limit 1) as last,
  (select t.gone from told as t) as gone, ${toldKeysSql(rows)} as keys`;
}
