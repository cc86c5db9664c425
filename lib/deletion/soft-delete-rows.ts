import type { EntityMetadata, FilterOptions, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { requireContext } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { type Affected, cascadeDeletion, findRestrictions, refuseIfRestricted } from './cascade-deletion.js';
import { deleteSelected } from './delete-selected.js';
import { withKeysOfUnit } from './keys-for-events.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { type RowSelection, selectRows } from '../sql/select-rows.js';
import { syncDeleted } from '../memory/sync-managed-entities.js';
import { takeUnitTime, type UnitTime } from '../sql/take-unit-time.js';
import { inPreview, inTransaction } from '../sql/transaction.js';

/**
 * Why and by whom rows are deleted, for the events and records.
 *
 * @publicApi
 */
export interface DeletionOptions {
  reason?: string;
  /** @default what `withDeletionContext()` says around the call, else the module's `actor()` */
  actor?: string;
  /** The application's filters that bound which rows are meant, as in MikroORM's `nativeDelete()`. */
  filters?: FilterOptions;
  /**
   * Tells what would happen instead of doing it: nothing is written and no refusal is thrown. Unsaved changes of the entity manager
   * do not count.
   *
   * @default false
   */
  dryRun?: boolean;
}

/**
 * What one deletion did.
 *
 * @publicApi
 */
export interface DeletionResult {
  /** The time that all rows of the unit carry. The database has it to the microsecond. */
  readonly deletedAt: Date;
  /** How many rows were deleted, per entity name; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
}

/**
 * What a deletion would do now.
 *
 * @publicApi
 */
export interface DeletionPreview {
  /** How many rows would be deleted, per entity name, as if nothing refused it; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
  /** What the deletion would be refused for. */
  readonly restrictions: readonly DeletionRestriction[];
}

/**
 * Soft-deletes the active rows that match, and everything the deletion cascades to, as one unit. No entity is loaded.
 *
 * @throws DeletionRestrictedError if active rows stand behind a `restrict` relation; nothing is changed then
 * @internal
 */
export async function softDeleteRows(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: DeletionOptions = {},
): Promise<DeletionResult> {
  const { filters, ...given } = requireDeletionOptions('softDelete()', options);
  const installation = getInstallation(em);
  const { catalog, transactions, operations } = installation;
  const context = requireContext(installation, 'softDelete()', given);
  const entry = catalog.get(meta);
  const asked = await selectRows(em, meta, where, { scope: 'active', filters });
  return inTransaction(em, async (ctx) => {
    const unit = await takeUnitTime(em, ctx, transactions, context.actor);
    const affected = await deleteUnit(em, ctx, entry, asked, unit);
    await refuseIfRestricted(em, ctx, catalog, unit, affected.keys());
    for (const deleted of affected.keys()) {
      transactions.undoOnRollback(ctx, await syncDeleted(em, ctx, deleted, unit));
    }
    const counts = [...affected].map(([deleted, count]) => ({ meta: deleted.meta, count }));
    const parts = await withKeysOfUnit(em, ctx, unit, counts);
    await operations.complete({ action: 'deleted', ...context, unit, parts }, { em, ctx });
    return { deletedAt: unit.date, ...summarize(affected) };
  });
}

/**
 * What `softDeleteRows()` would do: its own statements, undone. Memory and events hear nothing of it.
 *
 * @internal
 */
export async function previewSoftDeletion(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: DeletionOptions,
): Promise<DeletionPreview> {
  const { filters } = requireDeletionOptions('softDelete()', options);
  const { catalog, transactions } = getInstallation(em);
  const asked = await selectRows(em, meta, where, { scope: 'active', filters, isPreview: true });
  return inPreview(em, async (ctx) => {
    const unit = await takeUnitTime(em, ctx, transactions);
    const affected = await deleteUnit(em, ctx, catalog.get(meta), asked, unit);
    const restrictions = await findRestrictions(em, ctx, catalog, unit, affected.keys());
    return { ...summarize(affected), restrictions };
  });
}

/** Puts the rows that are asked for, and everything their deletion cascades to, into a unit. */
async function deleteUnit(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  asked: RowSelection,
  unit: UnitTime,
): Promise<Affected> {
  const { catalog } = getInstallation(em);
  const affected: Affected = new Map();
  const count = await deleteSelected(em, ctx, entry, asked, unit);
  if (count > 0) {
    affected.set(entry, count);
    for (const [child, cascaded] of await cascadeDeletion(em, ctx, catalog, unit, [entry])) {
      affected.set(child, (affected.get(child) ?? 0) + cascaded);
    }
  }
  return affected;
}

/** @internal */
export function summarize(affected: Affected): { affected: Record<string, number>; total: number } {
  const entries = [...affected].filter(([, count]) => count > 0).map(([{ name }, count]) => [name, count] as const);
  return {
    affected: Object.fromEntries(entries),
    total: entries.reduce((sum, [, count]) => sum + count, 0),
  };
}
