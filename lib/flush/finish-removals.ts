import { ChangeSetType, helper } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveUnit } from '../archive/removal/archive-unit.js';
import { archiveRows } from '../deletion/archive-rows.js';
import { type Affected, refuseIfRestricted } from '../deletion/cascade-deletion.js';
import { addAffected, archiveUnit, growUnit } from '../deletion/delete-unit.js';
import { lockRows } from '../sql/lock-rows.js';
import { withKeysOfUnit } from '../deletion/keys-for-events.js';
import { syncDeleted, syncDeletedOuter } from '../memory/sync-managed-entities.js';
import { execute } from '../sql/transaction.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { OperationPart } from '../events/operation.js';
import type { Installation } from '../installation/installation.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { addRemovals, giveBackToLenders } from './archive-removals.js';
import type { FlushState } from './flush-state.js';
import { syncRemovedEntities } from './sync-removed-entities.js';
import { replaceUnloaded, selectLeaving } from './plan/unloaded-collections.js';

/**
 * Completes the unit of a flush once all of its own statements have run: deletes what the removed rows cascade to, loaded or
 * not, refuses the whole if an active row restricts it, and tells memory and the events.
 *
 * @throws DeletionRestrictedError if active rows stand behind a `restrict` relation
 * @internal
 */
export async function finishRemovals(
  installation: Installation,
  state: FlushState,
  ctx: Transaction,
  takeUnit: () => Promise<UnitTime>,
): Promise<void> {
  const { catalog, transactions, operations } = installation;
  const { em, removals } = state;
  const replaced: Affected = new Map();
  for (const collection of state.unloaded) {
    if (catalog.findArchived(collection.property.targetMeta!)) {
      continue;
    }
    const entry = catalog.get(collection.property.targetMeta!);
    const count = await replaceUnloaded(em, ctx, collection, entry, takeUnit);
    if (count > 0) {
      replaced.set(entry, (replaced.get(entry) ?? 0) + count);
    }
  }
  const leaving = [...state.unloaded].filter(({ property }) => catalog.findArchived(property.targetMeta!));
  if (state.archived.length > 0 || leaving.length > 0) {
    await takeUnit();
  }
  const { unit } = state;
  if (!unit) {
    return;
  }
  const byEntry = Map.groupBy(removals, ({ entry }) => entry);
  const written = new Set<object>();
  for (const [entry, group] of byEntry) {
    const { inUnit, undo } = await syncRemovedEntities(state, ctx, entry, group);
    transactions.undoOnRollback(ctx, undo);
    inUnit.forEach((entity) => written.add(entity));
  }

  const early: Affected = state.early instanceof Map ? state.early : new Map();
  const before = state.archivedEarly ?? new Map();
  const start = new Set([...byEntry.keys(), ...replaced.keys(), ...early.keys()]);
  const archive = archiveUnit(em, ctx, unit);
  if (archive) {
    await addRemovals(em, ctx, archive, state, ChangeSetType.DELETE);
    for (const collection of leaving) {
      const asked = await selectLeaving(em, collection);
      await archive.add(
        collection.property.targetMeta!,
        await lockRows(em, ctx, collection.property.targetMeta!, asked),
      );
    }
  }
  const cascaded = await growUnit(em, ctx, unit, archive, start);
  for (const more of [replaced, early, before]) {
    addAffected(cascaded, more);
  }
  try {
    await archiveRemoved(installation, state, ctx, unit, archive);
    await refuseIfRestricted(em, ctx, catalog, unit, [...byEntry.keys(), ...cascaded.keys()]);
  } catch (error) {
    if (error instanceof DeletionRestrictedError) {
      await abortTransaction(em, ctx);
    }
    throw error;
  }
  for (const entry of byEntry.keys()) {
    transactions.undoOnRollback(ctx, await syncDeletedOuter(em, ctx, entry, unit));
  }
  for (const entry of cascaded.keys()) {
    transactions.undoOnRollback(ctx, await syncDeleted(em, ctx, entry, unit));
  }

  const named = [...byEntry].map(([entry, group]): OperationPart => {
    const keys = group
      .filter(({ entity }) => written.has(entity))
      .map(({ entity }) => helper(entity).getPrimaryKey() as unknown);
    const others = cascaded.get(entry) ?? 0;
    return { meta: entry.meta, count: keys.length + others, ...(others > 0 ? {} : { keys }) };
  });
  const reached = [...cascaded]
    .filter(([entry]) => !byEntry.has(entry))
    .map(([{ meta }, count]): OperationPart => ({ meta, count }));
  try {
    const parts = await withKeysOfUnit(em, ctx, unit, [...named, ...reached]);
    await operations.complete({ action: 'deleted', ...state.context, unit, parts }, { em, ctx });
  } catch (error) {
    await abortTransaction(em, ctx);
    throw error;
  }
}

/**
 * Moves to the archive what a flush removes before it inserts anything, with what that takes along.
 *
 * @returns the soft-deletable rows among the latter
 * @throws DeletionRestrictedError if something that stays points at one of the rows
 * @internal
 */
export async function archiveEarly(
  installation: Installation,
  state: FlushState,
  ctx: Transaction,
  takeUnit: () => Promise<UnitTime>,
): Promise<Affected> {
  const unit = await takeUnit();
  const archive = archiveUnit(state.em, ctx, unit)!;
  await addRemovals(state.em, ctx, archive, state, ChangeSetType.DELETE_EARLY);
  const affected = await growUnit(state.em, ctx, unit, archive, []);
  await archiveRemoved(installation, state, ctx, unit, archive);
  return affected;
}

async function archiveRemoved(
  { transactions }: Installation,
  state: FlushState,
  ctx: Transaction,
  unit: UnitTime,
  archive: ArchiveUnit | undefined,
): Promise<void> {
  const { em, archived, removals, context } = state;
  transactions.undoOnRollback(ctx, giveBackToLenders(state));
  const asked = archived[0]?.meta.root.className ?? removals[0]?.entry.name ?? 'The entity';
  await archiveRows(em, ctx, asked, archive, unit, context);
}

/**
 * The flush has written before it knew. In a transaction of its own that is rolled back; in the caller's, catching the error must
 * not let half a deletion be committed, so the transaction is put into PostgreSQL's aborted state, as a violated foreign key
 * would have left it.
 *
 * @internal
 */
export async function abortTransaction(em: EntityManager, ctx: Transaction): Promise<void> {
  try {
    await execute(
      em,
      ctx,
      "do $$ begin raise exception 'soft delete restricted' using errcode = 'restrict_violation'; end $$",
    );
  } catch {
    // Raising the error was the purpose.
  }
}
