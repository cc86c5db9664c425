import type { EntityMetadata, FilterOptions } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../../options/any-of-the-orm.js';
import { type RestoreConflict, RestoreConflictError } from '../../errors/restore-conflict.error.js';
import type { DeletionContext } from '../../events/deletion-context.js';
import { requireContext } from '../../installation/context-of.js';
import { getInstallation } from '../../installation/installation.js';
import { againIfRenamed } from '../../postgres/again-if-renamed.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { requireType } from '../../options/require-type.js';
import { activateUnlessTaken } from './activate-unless-taken.js';
import { type Affected } from '../cascade-deletion.js';
import type { Relinked } from '../../archive/restoration/relink-rows.js';
import { restoredParts } from '../../archive/restoration/restored-parts.js';
import { findMisfits } from '../../archive/restoration/find-misfits.js';
import { isMisfit } from '../../archive/snapshot/is-misfit.js';
import { syncRelinked } from '../../archive/snapshot/sync-relinked.js';
import { askSnapshots } from '../../archive/reading/asked-snapshots.js';
import { withExactText } from '../../archive/snapshot/with-exact-text.js';
import { type AskedRows, lockAsked, planRestoration, type RestorationPlan } from './plan-restoration.js';
import type { OperationPart } from '../../events/operation.js';
import { keysOfRows } from '../keys-for-events.js';
import { readUnits } from './read-units.js';
import { requireDeletionOptions } from '../require-deletion-options.js';
import { selectRows } from '../../sql/select-rows.js';
import { summarize } from '../soft-delete-rows.js';
import { doubtLoaded, loadReferences, syncRestored } from '../../memory/sync-restored-entities.js';
import { inPreview, inTransaction } from '../../sql/transaction.js';

/** How often a restoration is tried while others take its values. */
const ATTEMPTS = 3;

/**
 * Which rows a restoration includes, and why and by whom rows are restored, for the events and records.
 *
 * @publicApi
 */
export interface RestoreOptions {
  /**
   * Also restores the deleted parents that own a restored row: only those rows, not what was deleted with them.
   *
   * @default false
   */
  withParents?: boolean;
  reason?: string;
  /** @default what `withDeletionContext()` says around the call, else the module's `actor()` */
  actor?: string;
  /** Limits the rows by filters of the application, as in MikroORM's `nativeDelete()`. */
  filters?: FilterOptions;
  /**
   * Returns what would happen instead of doing it: nothing is written and no conflict is thrown. Unsaved changes of the entity manager do
   * not count.
   *
   * @default false
   */
  dryRun?: boolean;
}

/**
 * The result of a restoration.
 *
 * @publicApi
 */
export interface RestoreResult {
  /** How many rows were restored, per entity name; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
}

/**
 * What a restoration would do now.
 *
 * @publicApi
 */
export interface RestorePreview {
  /** How many rows would be restored, per entity name, if there were no conflicts; entities without any are left out. */
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
  /** Why it would be refused. */
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
  where: AnyCondition,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  const { withParents, filters, ...given } = requireRestoreOptions(options);
  const context = requireContext(getInstallation(em), 'restore()', given);
  const asked = await askDeleted(em, meta, where, { filters });
  return tryUnlessTaken(em, meta, asked, () =>
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
  where: AnyCondition,
  options: RestoreOptions,
): Promise<RestorePreview> {
  const { withParents, filters } = requireRestoreOptions(options);
  const asked = await askDeleted(em, meta, where, { filters, isPreview: true });
  let expected = summarize(new Map());
  try {
    return await tryUnlessTaken(em, meta, asked, () =>
      inPreview(em, (ctx) =>
        planExactly(em, ctx, meta, asked, withParents, async (plan) => {
          expected = summarize(expectedOf(em, plan), plan.archive?.snapshots.counts());
          const { conflicts } = await carryOut(em, ctx, plan);
          return { ...expected, conflicts };
        }),
      ),
    );
  } catch (error) {
    if (error instanceof RestoreConflictError) {
      return { ...expected, conflicts: error.conflicts };
    }
    throw error;
  }
}

function askDeleted(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  options: { filters: FilterOptions | undefined; isPreview?: boolean },
): Promise<AskedRows> {
  return getInstallation(em).catalog.findArchived(meta)
    ? askSnapshots(em, meta, where, options)
    : selectRows(em, meta, where, { scope: 'only', ...options });
}

/**
 * Plans a restoration and goes on from there. Values of archived rows are text until they are back in their tables; a condition of the
 * caller's is none of them.
 */
async function planExactly<Result>(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: AskedRows,
  withParents: boolean,
  work: (plan: RestorationPlan) => Promise<Result>,
): Promise<Result> {
  const isByKey = 'resolve' in asked && asked.isByKey;
  const first = isByKey ? undefined : await lockAsked(em, ctx, meta, asked);
  const plan = async () =>
    work(await planRestoration(em, ctx, first ?? (await lockAsked(em, ctx, meta, asked)), withParents));
  return getInstallation(em).catalog.allArchived().length > 0 ? withExactText(em, ctx, plan) : plan();
}

function expectedOf(em: EntityManager, { rows }: RestorationPlan): Affected {
  const { catalog } = getInstallation(em);
  return new Map(rows.entities().map((root) => [catalog.get(root), rows.count(root)]));
}

function requireRestoreOptions(options: RestoreOptions): RestoreOptions & { withParents: boolean } {
  const { withParents = false, ...others } = requireDeletionOptions('restore()', options, ['withParents']);
  requireType('restore(), withParents', withParents, 'boolean');
  return { ...others, withParents };
}

/**
 * @throws RestoreConflictError if others keep taking a value between the check and the update, or a table does not take values that it took
 * when its rows were archived
 */
async function tryUnlessTaken<Result>(
  em: EntityManager,
  meta: EntityMetadata,
  asked: AskedRows,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const { operations } = getInstallation(em);
  for (let tries = 1; ; tries++) {
    try {
      return await againIfRenamed(attempt);
    } catch (error) {
      const { catalog } = getInstallation(em);
      if (catalog.allArchived().length > 0 && isMisfit(error) && !operations.isRefusal(error)) {
        const misfits = await findMisfits(em, meta, 'resolve' in asked ? asked : undefined, error);
        throw new RestoreConflictError(meta.className, misfits, `PostgreSQL says: ${(error as Error).message}.`);
      }
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

/** @throws RestoreConflictError naming everything that stands in the way */
function refuseIfAny(catalog: SoftDeleteCatalog, meta: EntityMetadata, conflicts: readonly RestoreConflict[]): void {
  if (conflicts.length > 0) {
    throw new RestoreConflictError(catalog.getMarked(meta).name, conflicts);
  }
}

/** Moves rows back from the archive and makes the others active, unless something stands in the way: then the transaction is to be undone. */
async function carryOut(
  em: EntityManager,
  ctx: Transaction,
  { rows, archive, conflicts }: RestorationPlan,
): Promise<Done> {
  if (conflicts.length > 0) {
    return { affected: new Map(), relinked: [], conflicts };
  }
  // First, so that a key to an archived row is there again when the one that holds it becomes active.
  const written = (await archive?.write()) ?? { relinked: [], conflicts: [] };
  return written.conflicts.length > 0
    ? { affected: new Map(), ...written }
    : { ...written, ...(await activateUnlessTaken(em, ctx, rows)) };
}

interface Done {
  readonly affected: Affected;
  readonly relinked: readonly Relinked[];
  readonly conflicts: readonly RestoreConflict[];
}

async function restoreUnits(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: AskedRows,
  withParents: boolean,
  context: DeletionContext,
): Promise<RestoreResult> {
  const { catalog, transactions, operations } = getInstallation(em);
  const { rows, archived, relinked, units, affected } = await planExactly(
    em,
    ctx,
    meta,
    asked,
    withParents,
    async (plan) => {
      refuseIfAny(catalog, meta, plan.conflicts);
      for (const root of plan.rows.entities()) {
        await loadReferences(em, ctx, root, plan.rows);
      }
      const units = operations.isAttended ? await readUnits(em, ctx, catalog, plan.rows) : undefined;
      const { conflicts, ...done } = await carryOut(em, ctx, plan);
      refuseIfAny(catalog, meta, conflicts);
      return { rows: plan.rows, archived: plan.archive?.snapshots, units, ...done };
    },
  );
  const parts: OperationPart[] = archived ? restoredParts(em, archived) : [];
  const metas = [...parts, ...affected.keys()].map(({ meta: root }) => root);
  transactions.undoOnRollback(ctx, doubtLoaded(em, metas));
  if (archived) {
    transactions.undoOnRollback(ctx, await syncRelinked(em, ctx, archived, relinked));
  }
  for (const restored of affected.keys()) {
    transactions.undoOnRollback(ctx, await syncRestored(em, ctx, restored, rows));
  }
  for (const [{ meta: root }, count] of affected) {
    const keys = await keysOfRows(em, ctx, root, rows);
    parts.push({ meta: root, count, ...keys, each: () => rows.each(root), rows: units?.get(root) });
  }
  await operations.complete({ action: 'restored', ...context, parts }, { em, ctx });
  return summarize(affected, archived?.counts());
}
