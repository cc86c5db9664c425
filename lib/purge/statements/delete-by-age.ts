import type { BatchRange } from './batch-range.js';
import { ageAfterSql, ageColumns, ageTextSql } from './age-order.js';
import { type DueRows, dueSql, unblockedSql } from './row-sql.js';

/**
 * Removes the next due rows in the order of the purge index, so that the cost follows the due rows and not the table. The
 * stretch is fixed first, then removed as a range: a row that was changed since then is checked again by the database before it
 * goes, and a restored one stays. The cursor keeps later batches from passing the remains of earlier ones.
 *
 * @internal
 */
export function deleteByAge(rows: DueRows, range: BatchRange): string {
  const { plan, cutoff, quote } = rows;
  const { table } = plan.entity;
  const columns = ageColumns(plan.entity);
  const order = columns.map((column) => `p.${column}`).join(', ');
  const due = dueSql(plan.entity, cutoff, quote);
  const after = ageAfterSql(plan.entity, range.cursor, quote);
  const until = `(${order}) <= (${columns.map((column) => `(select ${column} from edge)`).join(', ')})`;
  return `with candidate as materialized (
  select ${order} from ${table.name} as p where ${[due, ...after].join(' and ')} order by ${order} limit ${range.size}
), edge as materialized (
  select * from candidate order by ${columns.map((column) => `${column} desc`).join(', ')} limit 1
), gone as (
  delete from ${table.name} as p where ${[due, ...after, until, ...unblockedSql(rows)].join(' and ')} returning 1
)
select (select count(*)::int from candidate) as due, (select ${ageTextSql(plan.entity, 'edge')} from edge) as last,
  (select count(*)::int from gone) as gone, pg_current_xact_id()::text as transaction`;
}
