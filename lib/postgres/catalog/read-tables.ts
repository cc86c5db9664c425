import type { QuoteValue } from '../../sql/quote-value.js';

/** @internal */
export interface TableRow {
  readonly id: number;
  readonly relation: string;
  readonly schema: string;
  readonly quotedRelation: string;
  readonly quotedSchema: string;
  readonly pages: number;
  readonly isPartitioned: boolean;
  /** The root of the tree of partitions, for one of them. */
  readonly root: number | null;
  readonly isView: boolean;
  /** Whether it is a table that others inherit, which is no matter of partitions. */
  readonly isInherited: boolean;
  /** Whether row-level security may hide rows from the current user. */
  readonly isFiltered: boolean;
  /** Whether it may from some user. */
  readonly hasPolicies: boolean;
  /** The tables of the names that were asked for, in their order; `null` where there is none. */
  readonly named: readonly (number | null)[];
}

/** The tables of the given quoted names, as far as they exist, and those of the given numbers. @internal */
export function readTables(names: readonly string[], ids: readonly number[], quote: QuoteValue): string {
  const named = `array[${names.map((name) => `to_regclass(${quote(name)})::oid`).join(', ')}]::oid[]`;
  return `select c.oid as id, c.relname as relation, n.nspname as schema, quote_ident(c.relname) as "quotedRelation",
  quote_ident(n.nspname) as "quotedSchema", ${pagesSql('c')} as pages,
  c.relkind = 'p' as "isPartitioned", case when c.relispartition then pg_partition_root(c.oid)::oid end as root, c.relkind = 'v' as "isView", c.relkind = 'r' and c.relhassubclass as "isInherited", row_security_active(c.oid) as "isFiltered", c.relrowsecurity as "hasPolicies",
  ${named} as named
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.oid = any(${named} || '{${ids.join(',')}}'::oid[])`;
}

/** @internal */
export interface TableBelowRow {
  readonly of: number;
  readonly table: number;
}

/** The tables that have the rows of views or of inherited tables, at any distance. @internal */
export function readTablesBelow(ids: readonly number[]): string {
  return `with recursive below("of", id) as (
  select t.id, t.id from unnest('{${ids.join(',')}}'::oid[]) as t(id)
  union select b."of", n.id from below as b cross join lateral (
    select d.refobjid as id from pg_rewrite as w
    join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass where w.ev_class = b.id
    union all select i.inhrelid from pg_inherits as i where i.inhparent = b.id
  ) as n
)
select b."of", r.oid as table from below as b join pg_class as r on r.oid = b.id where r.relkind in ('r', 'p') order by r.oid`;
}

/** With the pages of all its partitions. */
function pagesSql(table: string): string {
  const size = `case ${table}.relkind when 'p' then (
    select coalesce(sum(pg_relation_size(t.relid)), 0) from pg_partition_tree(${table}.oid) as t where t.isleaf
  ) else pg_relation_size(${table}.oid) end`;
  return `(${size} / current_setting('block_size')::int)::int`;
}
