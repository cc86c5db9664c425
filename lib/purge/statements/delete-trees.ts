import type { BatchRange } from './batch-range.js';
import { ageAfterSql, ageColumns, ageTextSql } from './age-order.js';
import { candidateColumns, standingSql } from './standing.js';
import { type DueRows, dueSql } from './row-sql.js';

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
  const columns = ageColumns(entity);
  const order = columns.map((column) => `p.${column} desc`).join(', ');
  const due = dueSql(entity, cutoff, quote);
  const conditions = [due, ...ageAfterSql(entity, range.cursor, quote, '<')];
  const last = `select ${ageTextSql(entity, 'c')} from candidate as c order by ${columns.map((column) => `c.${column}`).join(', ')} limit 1`;
  return `with recursive candidate as materialized (
  select p.tableoid as part, p.ctid as place, ${candidateColumns(plan)
    .map((column) => `p.${column}`)
    .join(', ')}
  from ${entity.table.name} as p where ${conditions.join(' and ')} order by ${order} limit ${range.size}
), ${standingSql(rows)}, gone as (
  delete from ${entity.table.name} as p using candidate as c
  where p.ctid = c.place and p.tableoid = c.part and ${due}
    and not exists (select from standing as s where s.place = c.place and s.part = c.part)
  returning 1
)
select (select count(*)::int from candidate) as due, (${last}) as last,
  (select count(*)::int from gone) as gone, pg_current_xact_id()::text as transaction`;
}
