import { helper, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { type Affected, cascadeDeletion, refuseIfRestricted } from '../deletion/cascade-deletion.js';
import { keepInStep, markDeleted, markValues, type Undo } from '../memory/managed-entities.js';
import { deletedInUnit, syncDeleted, syncDeletedOuter } from '../memory/sync-managed-entities.js';
import { execute } from '../sql/transaction.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { OperationPart } from '../events/operation.js';
import type { Installation } from '../installation/installation.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import type { FlushState, Removal } from './flush-state.js';
import { readAgain } from '../memory/read-again.js';
import { forgetUnsavedChanges, resetUnsavedChanges } from '../memory/repair-references.js';
import { replaceUnloaded } from './unloaded-collections.js';

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
    const entry = catalog.get(collection.property.targetMeta!);
    const count = await replaceUnloaded(em, ctx, collection, entry, takeUnit);
    if (count > 0) {
      replaced.set(entry, (replaced.get(entry) ?? 0) + count);
    }
  }
  const { unit } = state;
  if (!unit) {
    return;
  }
  const byEntry = Map.groupBy(removals, ({ entry }) => entry);
  for (const [entry, group] of byEntry) {
    transactions.undoOnRollback(ctx, await settleMemory(state, ctx, entry, group));
  }

  const early: Affected = state.early instanceof Map ? state.early : new Map();
  const start = new Set([...byEntry.keys(), ...replaced.keys(), ...early.keys()]);
  const cascaded = await cascadeDeletion(em, ctx, catalog, unit, start);
  for (const [entry, count] of [...replaced, ...early]) {
    cascaded.set(entry, (cascaded.get(entry) ?? 0) + count);
  }
  try {
    await refuseIfRestricted(em, ctx, catalog, unit, [...byEntry.keys(), ...cascaded.keys()]);
  } catch (error) {
    if (error instanceof DeletionRestrictedError) {
      await abortTransaction(state, ctx);
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
      .filter(({ entity }) => deletedAt(entity, entry)?.getTime() === unit.date.getTime())
      .map(({ entity }) => helper(entity).getPrimaryKey() as unknown);
    return { meta: entry.meta, count: keys.length, keys };
  });
  const others = [...cascaded].map(([{ meta }, count]): OperationPart => ({ meta, count }));
  const parts = [...named, ...others];
  try {
    await operations.complete({ action: 'deleted', ...state.context, unit, parts }, { em, ctx });
  } catch (error) {
    await abortTransaction(state, ctx);
    throw error;
  }
}

async function settleMemory(
  { em, unit }: FlushState,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  removals: readonly Removal[],
): Promise<Undo> {
  const deleted = new Map<object, Record<string, unknown>>();
  const unknown = new Map<object, ReadonlySet<string>>();
  const marks = Object.keys(markValues(entry, null));
  for (const { entity, original, initialized, changeSet } of removals) {
    const wrapped = helper(entity);
    const time = deletedAt(entity, entry) ?? unit!.date;
    // As the update has returned it: of a row that somebody else has deleted meanwhile, theirs.
    const actor = entry.deletedBy && (entity as Record<string, unknown>)[entry.deletedBy.property];
    if (original) {
      const kept: Record<string, unknown> = { ...original };
      keepWritten(em, entity, kept, entry, changeSet!.payload);
      const names = resetUnsavedChanges(em, entity, kept, marks);
      if (!initialized) {
        forgetUnsavedChanges(em, entity, kept, marks);
      } else if (names.size > 0) {
        unknown.set(entity, names);
      }
      wrapped.__originalEntityData = kept;
    }
    // An update marks the reference it was made through as loaded, though nothing but its key is known.
    wrapped.__initialized = initialized;
    deleted.set(entity, markValues(entry, time, actor));
  }
  await readAgain(em, ctx, entry.meta, unknown);
  // Rows that somebody else has deleted meanwhile, or all of them in a session whose `DateStyle` the ORM cannot read.
  const others = [...deleted.keys()].filter((entity) => deletedAt(entity, entry)?.getTime() !== unit!.date.getTime());
  for (const [entity] of await deletedInUnit(em, ctx, entry, unit!, others)) {
    deleted.set(entity, markValues(entry, unit!.date, unit!.actor));
  }
  return markDeleted(em, entry, deleted);
}

/** Takes over what the update has written besides the time: the version, and what hooks have changed. */
function keepWritten(
  em: EntityManager,
  entity: object,
  kept: Record<string, unknown>,
  entry: SoftDeletableEntityMetadata,
  payload: object,
): void {
  const { meta } = entry;
  const marks = markValues(entry, null);
  const current = em.getComparator().prepareEntity<any>(entity) as Record<string, unknown>;
  const values = payload as Record<string, unknown>;
  const written = Object.keys(values).filter((name) => !(name in marks) && Utils.equals(values[name], current[name]));
  for (const name of [...written, ...(meta.versionProperty ? [meta.versionProperty as string] : [])]) {
    keepInStep(kept, current, name);
  }
}

function deletedAt(entity: object, { property }: SoftDeletableEntityMetadata): Date | undefined {
  return ((entity as Record<string, unknown>)[property] as Date | null | undefined) ?? undefined;
}

/**
 * The flush has written before it knew. In a transaction of its own that is rolled back; in the caller's, catching the error must
 * not let half a deletion be committed, so the transaction is put into PostgreSQL's aborted state, as a violated foreign key
 * would have left it.
 *
 * @internal
 */
export async function abortTransaction({ em }: FlushState, ctx: Transaction): Promise<void> {
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
