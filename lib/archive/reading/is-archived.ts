import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { getInstallation } from '../../installation/installation.js';
import { identify, type RowKey } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { schemaOf } from '../snapshot/write-snapshots.js';

/** Whether the archive has a row with a key. @internal */
export async function isArchived(
  em: EntityManager,
  ctx: Transaction,
  { root }: EntityMetadata,
  key: RowKey,
): Promise<boolean> {
  if (!getInstallation(em).catalog.findArchived(root)) {
    return false;
  }
  const rows = await execute(
    em,
    ctx,
    `select 1 from ${archiveTable(em)} as a where a."part" = ? and a."key" = ? and a."schema" = ? limit 1`,
    [root.className, identify(key), schemaOf(em, root)],
  );
  return rows.length > 0;
}
