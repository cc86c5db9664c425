import type { QuoteValue } from './path-sql.js';

/** @internal */
export interface TableRow {
  readonly position: number;
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly pages: number;
  readonly isPartitioned: boolean;
  /** Whether row-level security may hide rows from the current user. */
  readonly isFiltered: boolean;
  readonly columns: Readonly<Record<string, string>>;
  readonly primaryKey: readonly string[];
  /** The columns of each valid index on deleted rows. */
  readonly deletedIndexes: readonly (readonly string[])[];
}

/** Size, columns and primary key of the tables of the given quoted names; a name without a table gives no row. @internal */
export function readTables(names: readonly string[], quote: QuoteValue): string {
  return `select t.position::int as position, c.oid::int8::text as id,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
  case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end as label,
  (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages,
  c.relkind = 'p' as "isPartitioned", row_security_active(c.oid) as "isFiltered",
  (select coalesce(jsonb_object_agg(a.attname, format_type(a.atttypid, -1)), '{}')
   from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select coalesce(jsonb_agg(a.attname order by k.n), '[]')
   from pg_index as i cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, n)
   join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
   where i.indrelid = c.oid and i.indisprimary) as "primaryKey",
  (select coalesce(jsonb_agg(x.names), '[]') from (
     select jsonb_agg(a.attname order by k.n) as names
     from pg_index as i cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, n)
     join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
     where i.indrelid = c.oid and i.indisvalid and i.indexprs is null
       and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~* '^[(][^()]+ is not null[)]$')
     group by i.indexrelid) as x) as "deletedIndexes"
from jsonb_array_elements_text(${quote(JSON.stringify(names))}::jsonb) with ordinality as t(name, position)
join pg_class as c on c.oid = to_regclass(t.name)
join pg_namespace as n on n.oid = c.relnamespace`;
}
