import type { EntityMetadata, FilterOptions, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { type RestoreConflict, RestoreConflictError } from '../errors/restore-conflict.error.js';
import type { DeletionContext } from '../events/deletion-context.js';
import { requireContext } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import { againIfRenamed } from '../postgres/again-if-renamed.js';
import { requireType } from '../options/require-type.js';
import { activateUnlessTaken } from './activate-unless-taken.js';
import { type Affected } from './cascade-deletion.js';
import type { OperationPart } from '../events/operation.js';
import { keysOfRows } from './keys-for-events.js';
import { planRestoration } from './plan-restoration.js';
import { readUnits } from './read-units.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { type RowSelection, selectRows } from '../sql/select-rows.js';
import { summarize } from './soft-delete-rows.js';
import { loadReferences, syncRestored } from '../memory/sync-restored-entities.js';
import { inPreview, inTransaction } from '../sql/transaction.js';

/** How often a restoration is tried while others take its values. */
const ATTEMPTS = 3;

/**
 * How far a restoration reaches, and why and by whom rows are restored, for the events and records.
 *
 * @publicApi
 */
export interface RestoreOptions {
  /**
   * Also restores the deleted parents that own a restored row: those rows alone, not what was deleted with them.
   *
   * @default false
   */
  withParents?: boolean;
  reason?: string;
  /** @default what `withDeletionContext()` says around the call, else the module's `actor()` */
  actor?: string;
  /** The application's filters that bound which rows are meant, as in MikroORM's `nativeDelete()`. */
  filters?: FilterOptions;
  /**
   * Tells what would happen instead of doing it: nothing is written and no conflict is thrown. Unsaved changes of the entity manager
   * do not count.
   *
   * @default false
   */
  dryRun?: boolean;
}

/**
 * What one restoration did.
 *
 * @publicApi
 */
export interface RestoreResult {
  /** How many rows came back, per entity name; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
}

/**
 * What a restoration would do now.
 *
 * @publicApi
 */
export interface RestorePreview {
  /** How many rows would come back, per entity name, as if nothing stood in the way; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
  /** What stands in the way. */
  readonly conflicts: readonly RestoreConflict[];
}

/**
 * Restores the deleted rows that match with everything of their units below them, all or nothing.
 *
 * @throws RestoreConflictError naming everything that stands in the way
 * @internal
 */
export async function restoreRows(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  const { withParents, filters, ...given } = requireRestoreOptions(options);
  const context = requireContext(getInstallation(em), 'restore()', given);
  const asked = await selectRows(em, meta, where, { scope: 'only', filters });
  return tryUnlessTaken(em, meta, () =>
    inTransaction(em, (ctx) => restoreUnits(em, ctx, meta, asked, withParents, context)),
  );
}

/**
 * What `restoreRows()` would do: its own statements, undone. Memory and events hear nothing of it.
 *
 * @internal
 */
export async function previewRestoration(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: RestoreOptions,
): Promise<RestorePreview> {
  const { withParents, filters } = requireRestoreOptions(options);
  const asked = await selectRows(em, meta, where, { scope: 'only', filters, isPreview: true });
  let expected: Affected = new Map();
  try {
    return await tryUnlessTaken(em, meta, () =>
      inPreview(em, async (ctx) => {
        const { catalog } = getInstallation(em);
        const { rows, orphaned } = await planRestoration(em, ctx, meta, asked, withParents);
        expected = new Map(rows.entities().map((root) => [catalog.get(root), rows.count(root)]));
        const { conflicts } = await activateUnlessTaken(em, ctx, rows, orphaned);
        return { ...summarize(expected), conflicts };
      }),
    );
  } catch (error) {
    if (error instanceof RestoreConflictError) {
      return { ...summarize(expected), conflicts: error.conflicts };
    }
    throw error;
  }
}

function requireRestoreOptions(options: RestoreOptions): RestoreOptions & { withParents: boolean } {
  const { withParents = false, ...others } = requireDeletionOptions('restore()', options, ['withParents']);
  requireType('restore(), withParents', withParents, 'boolean');
  return { ...others, withParents };
}

/** @throws RestoreConflictError if others keep taking a value between the check and the update */
async function tryUnlessTaken<Result>(
  em: EntityManager,
  meta: EntityMetadata,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const { operations } = getInstallation(em);
  for (let tries = 1; ; tries++) {
    try {
      return await againIfRenamed(attempt);
    } catch (error) {
      // Someone took a value between the check and the update: the check of the next attempt says who.
      if (!isTaken(error) || operations.isRefusal(error)) {
        throw error;
      }
      if (tries === ATTEMPTS) {
        const { constraint, detail } = error as { constraint?: string; detail?: string };
        throw new RestoreConflictError(
          meta.className,
          [{ reason: 'unique', entity: meta.className, key: undefined, ...(constraint ? { constraint } : {}) }],
          detail,
        );
      }
    }
  }
}

/** A unique index or an exclusion constraint was violated. */
function isTaken(error: unknown): boolean {
  return ['23505', '23P01'].includes((error as { code?: string }).code ?? '');
}

async function restoreUnits(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: RowSelection,
  withParents: boolean,
  context: DeletionContext,
): Promise<RestoreResult> {
  const { catalog, transactions, operations } = getInstallation(em);
  const { rows, orphaned } = await planRestoration(em, ctx, meta, asked, withParents);
  for (const root of rows.entities()) {
    await loadReferences(em, ctx, root, rows);
  }
  const units = operations.isAttended ? await readUnits(em, ctx, catalog, rows) : undefined;
  const { affected, conflicts } = await activateUnlessTaken(em, ctx, rows, orphaned);
  if (conflicts.length > 0) {
    throw new RestoreConflictError(catalog.get(meta).name, conflicts);
  }
  for (const restored of affected.keys()) {
    transactions.undoOnRollback(ctx, await syncRestored(em, ctx, restored, rows));
  }
  const parts: OperationPart[] = [];
  for (const [{ meta: root }, count] of affected) {
    const keys = await keysOfRows(em, ctx, root, rows);
    parts.push({ meta: root, count, ...keys, each: () => rows.each(root), rows: units?.get(root) });
  }
  await operations.complete({ action: 'restored', ...context, parts }, { em, ctx });
  return summarize(affected);
}
