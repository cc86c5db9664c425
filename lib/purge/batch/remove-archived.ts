import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { readListedSnapshots } from '../../archive/reading/read-snapshots.js';
import type { BatchTransaction, PurgeConnection } from '../connection/purge-connection.js';
import { fixedSettings } from '../fragments/batch-settings.js';
import type { PurgeHook } from '../purge-hook.js';
import {
  deleteSnapshots,
  deleteUnits,
  type DueSnapshots,
  type GoneSnapshots,
  type LockedSnapshots,
  lockSnapshotUnits,
  type LookedSnapshots,
} from '../statements/delete-snapshots.js';

/** The purge of an archived entity, as far as a batch looks at it. @internal */
export interface ArchivedBatch {
  readonly em: EntityManager;
  readonly meta: EntityMetadata;
  readonly hooks: readonly PurgeHook[];
}

/** How many rows a hook is given at once. */
const PORTION = 1_000;

/** What a batch has come to. @internal */
export type ArchivedRemoval = LookedSnapshots & GoneSnapshots;

/** Removes the next units of an archived entity, in one transaction with what hooks do. The statement that removes them writes their record. @internal */
export function removeArchived(
  connection: PurgeConnection,
  { meta, hooks }: ArchivedBatch,
  due: DueSnapshots,
  size: number,
  lockTimeout: number,
): Promise<ArchivedRemoval> {
  return connection.transaction(fixedSettings(lockTimeout, hooks.length > 0), (transaction) =>
    hooks.length > 0
      ? removeWithHooks(connection, transaction, meta, hooks, due, size)
      : first<ArchivedRemoval>(transaction, deleteSnapshots(due, size, connection.quote)),
  );
}

async function removeWithHooks(
  { quote }: PurgeConnection,
  transaction: BatchTransaction,
  meta: EntityMetadata,
  hooks: readonly PurgeHook[],
  due: DueSnapshots,
  size: number,
): Promise<ArchivedRemoval> {
  const locked = await first<LockedSnapshots>(transaction, lockSnapshotUnits(due, size, quote));
  for (let from = 0; from < locked.rows.length; from += PORTION) {
    const rows = await readListedSnapshots(transaction.em, meta, locked.rows.slice(from, from + PORTION));
    for (const { entity, handler } of hooks) {
      // The entity may have been named by its schema.
      const named = transaction.em.getMetadata().get(entity).class;
      const own = rows.filter((row) => row instanceof named);
      if (own.length > 0) {
        await handler(own, { em: transaction.em });
      }
    }
  }
  const gone =
    locked.units.length > 0
      ? await first<GoneSnapshots>(transaction, deleteUnits(due, locked.units, quote))
      : { removed: 0, gone: 0, keys: null };
  return { last: locked.last, locked: locked.locked, ...gone };
}

async function first<Row extends object>(transaction: BatchTransaction, sql: string): Promise<Row> {
  const [row] = await transaction.execute<Row>(sql);
  return row!;
}
