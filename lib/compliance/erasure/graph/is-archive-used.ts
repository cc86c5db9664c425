import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable, hasArchive } from '../../../archive/snapshot/archive-table.js';
import { execute } from '../../../sql/transaction.js';

/** Whether anything was ever archived: most searches of the archive are for nothing. @internal */
export async function isArchiveUsed(em: EntityManager, ctx: Transaction): Promise<boolean> {
  if (!hasArchive(em)) {
    return false;
  }
  const [row] = await execute<{ used: boolean }>(em, ctx, `select exists (select from ${archiveTable(em)}) as used`);
  return row!.used;
}
