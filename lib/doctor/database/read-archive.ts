import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';

/** The table of archived rows, as far as the doctor looks at it. @internal */
export interface ArchiveState {
  readonly isPartitioned: boolean;
  /** Whether the session may drop its partitions. */
  readonly isOwned: boolean;
  readonly owner: string;
  /** As PostgreSQL estimates them. */
  readonly rows: number;
}

/** @internal */
export async function readArchive(em: EntityManager): Promise<ArchiveState | undefined> {
  const [row] = await em.execute<ArchiveState[]>(
    `select t.relkind = 'p' as "isPartitioned", pg_has_role(t.relowner, 'usage') as "isOwned", t.relowner::regrole::text as owner,
       (select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 from pg_class as c
        where c.oid = t.oid or c.oid in (select i.inhrelid from pg_inherits as i where i.inhparent = t.oid)) as rows
     from pg_class as t where t.oid = to_regclass(?)`,
    [archiveTable(em)],
  );
  return row;
}
