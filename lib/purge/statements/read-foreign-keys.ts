import type { KeyAction } from '../key-graph.js';

/** @internal */
export interface ForeignKeyRow {
  readonly constraint: string;
  /** The tables, of which either may be a partition, and the roots of their partition trees. */
  readonly from: string;
  readonly fromRoot: string;
  readonly to: string;
  readonly toRoot: string;
  readonly fromNumbers: readonly number[];
  readonly toNumbers: readonly number[];
  readonly action: KeyAction;
  readonly isEnforced: boolean;
}

/**
 * Every foreign key of the database, mapped or not. Reads one catalog and leaves the joining to the caller: on a new connection,
 * which has no catalog cached yet, planning a query over all of them takes longer than everything else that a small run does.
 *
 * @internal
 */
export function readForeignKeys(): string {
  const id = (oid: string) => `${oid}::int8::text`;
  const root = (oid: string) => id(`coalesce(pg_partition_root(${oid}), ${oid})`);
  return `select k.conname::text as constraint, ${id('k.conrelid')} as "from", ${root('k.conrelid')} as "fromRoot",
  ${id('k.confrelid')} as "to", ${root('k.confrelid')} as "toRoot", k.conkey as "fromNumbers", k.confkey as "toNumbers",
  case k.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
    when 'd' then 'set default' else 'no action' end as action,
  current_setting('session_replication_role') <> 'replica' and to_jsonb(k) ->> 'conenforced' is distinct from 'false'
    and not exists (select from pg_trigger as t where t.tgconstraint = k.oid and t.tgenabled not in ('O', 'A')) as "isEnforced"
from pg_constraint as k
where k.contype = 'f' and k.conparentid = 0
order by k.conname, k.conrelid`;
}
