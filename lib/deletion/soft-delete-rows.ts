import type { EntityMetadata, FilterOptions } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import type { DeletionRestriction } from '../errors/deletion-restriction.js';
import { requireContext } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import { archiveAlone, archiveRows, countsOf } from './archive-rows.js';
import { type Affected, findRestrictions, refuseIfRestricted } from './cascade-deletion.js';
import { deleteUnit } from './delete-unit.js';
import { withKeysOfUnit } from './keys-for-events.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { selectRows } from '../sql/select-rows.js';
import { syncDeleted } from '../memory/sync-managed-entities.js';
import { takeUnitTime } from '../sql/take-unit-time.js';
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
  /** Limits the rows by filters of the application, as in MikroORM's `nativeDelete()`. */
  filters?: FilterOptions;
  /**
   * Returns what would happen instead of doing it: nothing is written and no refusal is thrown. Unsaved changes of the entity manager do
   * not count.
   *
   * @default false
   */
  dryRun?: boolean;
}

/**
 * The result of a deletion.
 *
 * @publicApi
 */
export interface DeletionResult {
  /** The time of deletion of all rows of the unit. The database has it to the microsecond. */
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
  /** Why the deletion would be refused. */
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
  where: AnyCondition,
  options: DeletionOptions = {},
): Promise<DeletionResult> {
  const { filters, ...given } = requireDeletionOptions('softDelete()', options);
  const installation = getInstallation(em);
  const { catalog, transactions, operations } = installation;
  const context = requireContext(installation, 'softDelete()', given);
  const entry = catalog.getMarked(meta);
  const asked = await selectRows(em, meta, where, { scope: 'active', filters });
  return inTransaction(em, async (ctx) => {
    const unit = await takeUnitTime(em, ctx, transactions, context.actor);
    const alone = await archiveAlone(em, ctx, entry, asked, unit, context);
    if (alone) {
      return { deletedAt: unit.date, ...summarize(new Map(), alone) };
    }
    const { soft, archive } = await deleteUnit(em, ctx, entry, asked, unit);
    const archived = await archiveRows(em, ctx, entry.name, archive, unit, context);
    await refuseIfRestricted(em, ctx, catalog, unit, soft.keys());
    for (const deleted of soft.keys()) {
      transactions.undoOnRollback(ctx, await syncDeleted(em, ctx, deleted, unit));
    }
    const counts = [...soft].map(([deleted, count]) => ({ meta: deleted.meta, count }));
    const parts = await withKeysOfUnit(em, ctx, unit, counts);
    await operations.complete({ action: 'deleted', ...context, unit, parts }, { em, ctx });
    return { deletedAt: unit.date, ...summarize(soft, archived) };
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
  where: AnyCondition,
  options: DeletionOptions,
): Promise<DeletionPreview> {
  const { filters } = requireDeletionOptions('softDelete()', options);
  const { catalog, transactions } = getInstallation(em);
  const asked = await selectRows(em, meta, where, { scope: 'active', filters, isPreview: true });
  return inPreview(em, async (ctx) => {
    const unit = await takeUnitTime(em, ctx, transactions);
    const deleted = await deleteUnit(em, ctx, catalog.getMarked(meta), asked, unit);
    const restrictions = (await deleted.archive?.remove({})) ?? [];
    return {
      ...summarize(deleted.soft, countsOf(deleted.archive)),
      restrictions: [...restrictions, ...(await findRestrictions(em, ctx, catalog, unit, deleted.soft.keys()))],
    };
  });
}

/** @internal */
export function summarize(
  soft: Affected,
  archived: readonly (readonly [name: string, count: number])[] = [],
): { affected: Record<string, number>; total: number } {
  const counts = [...[...soft].map(([{ name }, count]) => [name, count] as const), ...archived];
  const entries = counts.filter(([, count]) => count > 0);
  return {
    affected: Object.fromEntries(entries),
    total: entries.reduce((sum, [, count]) => sum + count, 0),
  };
}
