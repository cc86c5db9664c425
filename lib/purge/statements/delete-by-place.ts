import type { BatchRange } from './batch-range.js';
import { type DueRows, dueSql, unblockedSql } from './row-sql.js';

/**
 * Removes the next due rows in physical order, which reads each page of the table once. The stretch is fixed first, then removed as
 * a range: a row that was changed since then is checked again by the database before it goes, and a restored one stays.
 *
 * @internal
 */
export function deleteByPlace(rows: DueRows, range: BatchRange): string {
  const { plan, cutoff, quote } = rows;
  const { table } = plan.entity;
  const due = dueSql(plan.entity, cutoff, quote);
  const after = `p.ctid > ${quote(range.cursor?.[0] ?? '(0,0)')}::tid`;
  const until = `p.ctid < '(${range.untilPage},0)'::tid`;
  const conditions = [after, until, 'p.ctid <= (select max(place) from candidate)', due, ...unblockedSql(rows)];
  return `with candidate as materialized (
  select p.ctid as place from ${table.name} as p where ${after} and ${until} and ${due} limit ${range.size}
), gone as (
  delete from ${table.name} as p where ${conditions.join(' and ')} returning 1
)
select (select count(*)::int from candidate) as due, (select jsonb_build_array(max(place)::text) from candidate having count(*) > 0) as last,
  (select count(*)::int from gone) as gone, pg_current_xact_id()::text as transaction`;
}
