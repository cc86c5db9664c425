import type { KeyAction } from '../key-graph.js';

/** @internal */
export interface ForeignKeyRow {
  readonly constraint: string;
  readonly from: string;
  readonly fromColumns: readonly string[];
  readonly to: string;
  readonly toColumns: readonly string[];
  readonly action: KeyAction;
  readonly isIndexed: boolean;
  readonly isEnforced: boolean;
}

/**
 * Every foreign key of the database, mapped or not. Tables are given by their quoted names, and a key that only one partition
 * has counts as one of the partitioned table.
 *
 * @internal
 */
export function readForeignKeys(): string {
  const names = (key: string, table: string) =>
    `(select jsonb_agg(a.attname order by u.n) from unnest(k.${key}) with ordinality as u(attnum, n)
   join pg_attribute as a on a.attrelid = k.${table} and a.attnum = u.attnum)`;
  const table = (key: string) =>
    `(select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class as c
   join pg_namespace as n on n.oid = c.relnamespace where c.oid = coalesce(pg_partition_root(k.${key}), k.${key}))`;
  return `select k.conname::text as constraint, ${table('conrelid')} as "from", ${table('confrelid')} as "to",
  ${names('conkey', 'conrelid')} as "fromColumns", ${names('confkey', 'confrelid')} as "toColumns",
  case k.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
    when 'd' then 'set default' else 'no action' end as action,
  not (select bool_or(c.relispartition) from pg_class as c where c.oid in (k.conrelid, k.confrelid)) and
    current_setting('session_replication_role') <> 'replica' and to_jsonb(k) ->> 'conenforced' is distinct from 'false'
    and not exists (select from pg_trigger as t where t.tgconstraint = k.oid and t.tgenabled not in ('O', 'A')) as "isEnforced",
  exists (select from pg_index as i where i.indrelid = k.conrelid and i.indisvalid
    and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~* '^[(][^()]+ is not null[)]$'
      and exists (select from unnest(k.conkey) as u(attnum) join pg_attribute as a
        on a.attrelid = k.conrelid and a.attnum = u.attnum
        where pg_get_expr(i.indpred, i.indrelid) ilike '%' || quote_ident(a.attname) || ' is not null%'))
    and (select array_agg(x.attnum order by x.attnum) from
      (select attnum from unnest(i.indkey::int2[]) with ordinality as u(attnum, n) where u.n <= cardinality(k.conkey)) as x)
      = (select array_agg(u.attnum order by u.attnum) from unnest(k.conkey) as u(attnum))) as "isIndexed"
from pg_constraint as k
where k.contype = 'f' and k.conparentid = 0
order by k.conname, k.conrelid`;
}
