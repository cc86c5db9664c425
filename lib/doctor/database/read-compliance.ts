import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { IS_TO_BE_REVIEWED } from '../../compliance/hold/read-holds.js';
import { APPEND_ONLY_TABLES } from '../../metadata/compliance-tables.js';
import { tableName } from '../../sql/table-name.js';

/** What can be said about one of this package's own tables that the catalog of tables does not say. @internal */
export interface ComplianceTable {
  readonly name: string;
  readonly owner: string;
  /** Whether the role of the connection may do what the owner may. */
  readonly isOwned: boolean;
  /** The table and its partitions that may be truncated. */
  readonly unguarded: readonly string[];
  /** Copies of its triggers that are disabled in a partition alone. */
  readonly disabledInPartitions: readonly { readonly partition: string; readonly trigger: string }[];
  /** The next month, if the table has partitions and none for it. */
  readonly missingMonth: string | null;
}

/** A hold that somebody wanted to look at again by now. @internal */
export interface OverdueHold {
  readonly id: number;
  readonly name: string;
  readonly reviewAt: string;
}

/** What the database says about records and holds. @internal */
export interface ComplianceState {
  readonly tables: ReadonlyMap<EntityMetadata, ComplianceTable>;
  readonly overdue: readonly OverdueHold[];
}

/** Runs one query, and one for the holds, and none where the ORM has no entities for them. @internal */
export async function readCompliance(
  em: EntityManager,
  metadata: readonly EntityMetadata[],
  isReadable: (meta: EntityMetadata) => boolean,
): Promise<ComplianceState> {
  const metas = metadata.filter((meta) => APPEND_ONLY_TABLES.includes(meta.tableName) && isReadable(meta));
  if (metas.length === 0) {
    return { tables: new Map(), overdue: [] };
  }
  const rows = await em.execute<(ComplianceTable & { position: number })[]>(TABLES_SQL, [
    `{${metas.map((meta) => JSON.stringify(tableName(em, meta))).join(',')}}`,
  ]);
  const holds = metas.find((meta) => meta.tableName === 'legal_hold');
  const overdue = holds
    ? await em.execute<OverdueHold[]>(
        `select h."id", h."name", to_char(h."review_at" at time zone 'UTC', 'YYYY-MM-DD') as "reviewAt" from ${tableName(em, holds)} as h ` +
          `where ${IS_TO_BE_REVIEWED} order by h."review_at", h."id"`,
      )
    : [];
  return { tables: new Map(rows.map((row) => [metas[row.position - 1]!, row])), overdue };
}

const TABLES_SQL = `
select t.position::int as position, c.oid::regclass::text as name, c.relowner::regrole::text as owner, pg_has_role(c.relowner, 'usage') as "isOwned",
  coalesce((
    select json_agg(p.oid::regclass::text order by p.oid::regclass::text)
    from (select c.oid union all select i.inhrelid from pg_inherits as i where i.inhparent = c.oid) as p (oid)
    where not exists (
      select from pg_trigger as g where g.tgrelid = p.oid and not g.tgisinternal and g.tgtype & 34 = 34 and g.tgenabled in ('O', 'A'))), '[]') as unguarded,
  coalesce((
    select json_agg(json_build_object('partition', g.tgrelid::regclass::text, 'trigger', g.tgname) order by g.tgrelid::regclass::text, g.tgname)
    from pg_trigger as o join pg_trigger as g on g.tgparentid = o.oid
    where o.tgrelid = c.oid and not o.tgisinternal and o.tgenabled in ('O', 'A') and g.tgenabled not in ('O', 'A')), '[]') as "disabledInPartitions",
  case when c.relkind = 'p' and not exists (
    select from pg_inherits as i join pg_class as p on p.oid = i.inhrelid
    cross join lateral (select regexp_match(pg_get_expr(p.relpartbound, p.oid), $$FROM \\('(.*)'\\) TO \\('(.*)'\\)$$) as ends) as b
    where i.inhparent = c.oid and b.ends[1]::timestamptz <= n.next and n.next < b.ends[2]::timestamptz) then to_char(n.next at time zone 'UTC', 'YYYY-MM') end as "missingMonth"
from unnest(cast(? as text[])) with ordinality as t (named, position)
  join pg_class as c on c.oid = to_regclass(t.named)
  cross join lateral (select (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC' as next) as n`;
