import { orderBySql } from '../fragments/batch-range.js';
import { type DueRows, dueSql } from '../fragments/row-sql.js';

/** @internal */
export interface SampleRow {
  /** How many pages the table has. */
  readonly pages: number;
  /** How many of the oldest due rows were looked at, and on how many pages they are. */
  readonly sampled: number;
  readonly sampledPages: number;
}

/** How many rows are enough to see how they lie. @internal */
export const SAMPLE_SIZE = 500;

/** How the oldest due rows lie in their table: reads the beginning of the purge index, whatever the size of the table. @internal */
export function sampleDue({ plan: { entity }, cutoff, quote }: DueRows): string {
  const { name, id } = entity.table;
  return `select (pg_relation_size(${id}::oid) / current_setting('block_size')::int)::int as pages,
  count(*)::int as sampled, count(distinct page)::int as "sampledPages"
from (
  select (p.ctid::text::point)[0]::int8 as page from ${name} as p
  where ${dueSql(entity, cutoff, quote)} ${orderBySql(entity, 'age')} limit ${SAMPLE_SIZE}
) as oldest`;
}
