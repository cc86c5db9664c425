import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';

/** The table of archived rows, as far as the doctor looks at it. @internal */
export interface ArchiveState {
  readonly isPartitioned: boolean;
  /** Whether the session may drop its partitions. */
  readonly isOwned: boolean;
  readonly owner: string;
  /** Its months that are past every retention, the oldest first. */
  readonly expired: readonly string[];
  /** As PostgreSQL estimates them. */
  readonly rows: number;
}

/** @param retention - the longest of all archived entities @internal */
export async function readArchive(em: EntityManager, retention: number | 'forever'): Promise<ArchiveState | undefined> {
  const [row] = await em.execute<ArchiveState[]>(
    `select t.relkind = 'p' as "isPartitioned", pg_has_role(t.relowner, 'usage') as "isOwned", t.relowner::regrole::text as owner,
       array(select p.oid::regclass::text from pg_inherits as i join pg_class as p on p.oid = i.inhrelid
         cross join lateral (select cast((regexp_match(pg_get_expr(p.relpartbound, p.oid), 'TO [(]''([^'']+)''[)]'))[1] as timestamptz)) as b ("until")
         where i.inhparent = t.oid and b."until" <= now() - cast(? as float8) * interval '1 millisecond' order by b."until") as expired,
       (select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 from pg_class as c
        where c.oid = t.oid or c.oid in (select i.inhrelid from pg_inherits as i where i.inhparent = t.oid)) as rows
     from pg_class as t where t.oid = to_regclass(?)`,
    [retention === 'forever' ? null : retention, archiveTable(em)],
  );
  return row;
}
