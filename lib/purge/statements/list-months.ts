import { unitTextSql } from '../../sql/deleted-at-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** The partition of a month that may be dropped. @internal */
export interface DroppableMonth {
  /** The quoted name with its schema. */
  readonly name: string;
  /** Its rows are of this time or later, and of before the next. Both UTC, to the microsecond. */
  readonly from: string;
  readonly until: string;
}

const BOUND = (keyword: string) =>
  `cast((regexp_match(pg_get_expr(c.relpartbound, c.oid), '${keyword} [(]''([^'']+)''[)]'))[1] as timestamptz)`;

/**
 * The partitions of a table whose rows are all older than a time, as far as the session may drop them: those of a table and of
 * partitions that it owns.
 *
 * @internal
 */
export function listMonths(table: string, before: string, quote: QuoteValue): string {
  return `select m."name", ${unitTextSql('m."from"', 'timestamptz')} as "from", ${unitTextSql('m."until"', 'timestamptz')} as "until" from (
  select format('%I.%I', n.nspname, c.relname) as "name", ${BOUND('FROM')} as "from", ${BOUND('TO')} as "until"
  from pg_class as p join pg_inherits as i on i.inhparent = p.oid
  join pg_class as c on c.oid = i.inhrelid and c.relkind = 'r' join pg_namespace as n on n.oid = c.relnamespace
  where p.oid = to_regclass(${quote(table)}) and p.relkind = 'p'
    and pg_has_role(p.relowner, 'usage') and pg_has_role(c.relowner, 'usage')
) as m where m."until" <= cast(${quote(before)} as timestamptz) order by m."from"`;
}

/** @internal */
export function dropMonth({ name }: DroppableMonth): string {
  return `drop table ${name}`;
}

/** The entities that rows of a partition of the archive belong to: one index entry for each. @internal */
export function listEntities({ name }: DroppableMonth): string {
  return `${distinctSql(name, 'entity')} select f."value" as "entity" from "found" as f where f."value" is not null`;
}

/**
 * How many rows of each entity a partition of the archive has, those that were removed along with them not counted. Reads indexes alone, but for the
 * latter: rows of the archive are large.
 *
 * @internal
 */
export function countMonth({ name }: DroppableMonth): string {
  return `${distinctSql(name, 'part')}, "all" as materialized (select a."entity", count(*) as "count" from ${name} as a group by 1)
select e."entity", (e."count" - coalesce(o."count", 0))::int as "count" from "all" as e left join (
  select a."entity", count(*) as "count" from ${name} as a
  where a."part" in (select f."value" from "found" as f where f."value" not in (select e."entity" from "all" as e)) group by 1
) as o on o."entity" = e."entity" order by 1`;
}

function distinctSql(table: string, column: 'entity' | 'part'): string {
  return `with recursive "found" as (
  (select a."${column}" as "value" from ${table} as a order by 1 limit 1)
  union all
  select (select a."${column}" from ${table} as a where a."${column}" > f."value" order by 1 limit 1) from "found" as f where f."value" is not null
)`;
}
