import type { QuoteValue } from './path-sql.js';

/** @internal */
export interface TableRow {
  /** Which of the given names led to it, from one on; `null` if it was its number. */
  readonly position: number | null;
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly pages: number;
  readonly isPartitioned: boolean;
  readonly isPartition: boolean;
  /** Whether row-level security may hide rows from the current user. */
  readonly isFiltered: boolean;
}

/**
 * The tables of the given quoted names and those of the given numbers. A name without a table gives no row, and a table that is
 * asked for twice two of them.
 *
 * @internal
 */
export function readTables(names: readonly string[], ids: readonly string[], quote: QuoteValue): string {
  return `select t.position::int as position, c.oid::int8::text as id,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
  case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end as label,
  (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages,
  c.relkind = 'p' as "isPartitioned", c.relispartition as "isPartition", row_security_active(c.oid) as "isFiltered"
from (
  select w.position, to_regclass(w.name)::oid as id
  from jsonb_array_elements_text(${quote(JSON.stringify(names))}::jsonb) with ordinality as w(name, position)
  union all select null, unnest('{${ids.join(',')}}'::oid[])
) as t
join pg_class as c on c.oid = t.id
join pg_namespace as n on n.oid = c.relnamespace`;
}
