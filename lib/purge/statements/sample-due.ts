import { type DueRows, dueSql } from './row-sql.js';
import { ageColumns } from './age-order.js';

/** @internal */
export interface SampleRow {
  /** How many rows are due, but not more than the table has pages. */
  readonly due: number;
  readonly pages: number;
  /** How many rows of the purge index were looked at, and on how many pages they are. */
  readonly sampled: number;
  readonly sampledPages: number;
}

/** Where the due rows are: reads the beginning of the purge index and a few pages, whatever the size of the table. @internal */
export function sampleDue({ plan, cutoff, quote }: DueRows): string {
  const { entity } = plan;
  const due = dueSql(entity, cutoff, quote);
  const { name, id } = entity.table;
  const order = ageColumns(entity).map((column) => `p.${column}`);
  const size = `(pg_relation_size(${id}::oid) / current_setting('block_size')::int)::int`;
  return `with size as materialized (select ${size} as pages),
sample as materialized (
  select (p.ctid::text::point)[0]::int8 as page from ${name} as p where ${due} order by ${order.join(', ')} limit 2000
)
select (select count(*)::int from (select from ${name} as p where ${due} limit (select pages from size)) as d) as due,
  (select pages from size) as pages, (select count(*)::int from sample) as sampled,
  (select count(distinct page)::int from sample) as "sampledPages"`;
}
