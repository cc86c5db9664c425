import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { readListedSnapshots } from '../../archive/reading/read-snapshots.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { contextOf } from '../../installation/context-of.js';
import { findInstallation } from '../../installation/installation.js';
import type { BatchTransaction, PurgeConnection } from '../connection/purge-connection.js';
import { fixedSettings } from '../fragments/batch-settings.js';
import type { Cutoff } from '../plan/due-times.js';
import type { PurgeHook } from '../purge-hook.js';
import {
  deleteSnapshots,
  deleteUnits,
  type DueSnapshots,
  type GoneSnapshots,
  lockSnapshotUnits,
} from '../statements/delete-snapshots.js';

/** The purge of an archived entity, as far as a batch looks at it. @internal */
export interface ArchivedBatch {
  readonly em: EntityManager;
  readonly meta: EntityMetadata;
  readonly cutoff: Cutoff;
  readonly hooks: readonly PurgeHook[];
}

/** How many rows a hook is given at once. */
const PORTION = 1_000;

/** Removes the next units of an archived entity, in one transaction with their record and what hooks do. @internal */
export function removeArchived(
  connection: PurgeConnection,
  { em, meta, cutoff, hooks }: ArchivedBatch,
  due: DueSnapshots,
  size: number,
  lockTimeout: number,
): Promise<GoneSnapshots> {
  const installation = findInstallation(em);
  return connection.transaction(fixedSettings(lockTimeout, hooks.length > 0), async (transaction) => {
    const gone = await (hooks.length > 0
      ? removeWithHooks(connection, transaction, meta, hooks, due, size)
      : first(transaction, deleteSnapshots(due, size, connection.quote)));
    const rows = gone.rows.map(([key, unit]) => ({ key: rowKeyOf(meta, key), unit }));
    if (rows.length > 0 && installation?.operations.isAttended) {
      const parts = [{ meta, count: rows.length, rows }];
      await transaction.notify({ action: 'purged', ...contextOf(installation), unit: cutoff, parts });
    }
    return gone;
  });
}

async function removeWithHooks(
  { quote }: PurgeConnection,
  transaction: BatchTransaction,
  meta: EntityMetadata,
  hooks: readonly PurgeHook[],
  due: DueSnapshots,
  size: number,
): Promise<GoneSnapshots> {
  const locked = await first(transaction, lockSnapshotUnits(due, size, quote));
  for (let from = 0; from < locked.rows.length; from += PORTION) {
    const rows = await readListedSnapshots(transaction.em, meta, locked.rows.slice(from, from + PORTION));
    for (const { entity, handler } of hooks) {
      const own = rows.filter((row) => row instanceof entity);
      if (own.length > 0) {
        await handler(own, { em: transaction.em });
      }
    }
  }
  if (locked.units.length > 0) {
    await transaction.change(deleteUnits(due, locked.units, quote));
  }
  return locked;
}

async function first(transaction: BatchTransaction, sql: string): Promise<GoneSnapshots> {
  const [row] = await transaction.execute<GoneSnapshots & Record<string, unknown>>(sql);
  return row!;
}
