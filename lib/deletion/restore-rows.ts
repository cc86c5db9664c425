import type { EntityMetadata, FilterOptions, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { RestoreConflictError, type RestoreConflict } from '../errors/restore-conflict.error.js';
import { filterSql } from '../sql/filter-sql.js';
import { getInstallation } from '../installation/installation.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { type Affected } from './cascade-deletion.js';
import { type DeletedParent, findDeletedParents } from './find-deleted-parents.js';
import { findUniqueConflicts } from './find-unique-conflicts.js';
import { entityKeys } from '../sql/entity-key.js';
import { lockRows } from '../sql/lock-rows.js';
import { inChunks, keyConditionSql, lockBehind, RowSet } from '../sql/row-set.js';
import { type RowSelection, selectRows } from '../sql/select-rows.js';
import { summarize } from './soft-delete-rows.js';
import { stampSql } from '../sql/deleted-at-sql.js';
import { loadReferences, syncRestored } from '../memory/sync-restored-entities.js';
import { executeCounting, inTransaction } from '../sql/transaction.js';

/** How often a restoration is tried while others take its values. */
const ATTEMPTS = 3;

/**
 * How far a restoration reaches.
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
  /** The application's filters that bound which rows are meant, as in MikroORM's `nativeDelete()`. */
  filters?: FilterOptions;
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
  refuseUnknownOptions('restore()', options, ['withParents', 'filters']);
  requireType('restore(), withParents', options.withParents, 'boolean');
  const { withParents = false, filters } = options;
  const asked = await selectRows(em, meta, where, { scope: 'only', filters });
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(em, (ctx) => restoreUnits(em, ctx, meta, asked, withParents));
    } catch (error) {
      // Someone took a value between the check and the update: the check of the next attempt says who.
      if (!isTaken(error)) {
        throw error;
      }
      if (attempt === ATTEMPTS) {
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
): Promise<RestoreResult> {
  const { catalog, transactions, actor } = getInstallation(em);
  const rows = await collectUnit(em, ctx, catalog, meta, asked);
  const orphaned = await completeWithParents(em, ctx, catalog, rows, withParents);
  const conflicts = [...orphaned, ...(await findUniqueConflicts(em, ctx, catalog, rows))];
  if (conflicts.length > 0) {
    throw new RestoreConflictError(catalog.get(meta).name, conflicts);
  }
  const affected: Affected = new Map();
  for (const root of rows.entities()) {
    const restored = catalog.get(root);
    await loadReferences(em, ctx, root, rows);
    affected.set(restored, await activate(em, ctx, restored, rows));
  }
  const by = actor();
  for (const [restored, count] of affected) {
    transactions.undoOnRollback(ctx, await syncRestored(em, ctx, restored, rows));
    transactions.emitAfterCommit(ctx, {
      type: 'restored',
      entity: restored.name,
      count,
      ...(by === undefined ? {} : { actor: by }),
    });
  }
  return summarize(affected);
}

/** The rows that match and, level by level, the rows behind them that carry the same time. */
async function collectUnit(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  asked: RowSelection,
): Promise<RowSet> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const rows = new RowSet();
  let level = new Map([[meta.root, await rows.add(meta, await lockRows(em, ctx, meta, asked))]]);
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      for (const edge of catalog.graph.from(root)) {
        const child = catalog.find(edge.child);
        if (edge.policy !== 'cascade' || !child || keys.length === 0) {
          continue;
        }
        const sameUnit = filterSql(`c.${quote(child.column)} = p.${quote(catalog.get(root).column)}`);
        const behind = await lockBehind(em, ctx, edge, keys, [sameUnit]);
        const added = await rows.add(
          edge.child,
          behind.map(({ key }) => key),
        );
        if (added.length > 0) {
          next.set(edge.child.root, [...(next.get(edge.child.root) ?? []), ...added]);
        }
      }
    }
    level = next;
  }
  return rows;
}

/** Adds the deleted parents of the rows, and theirs, or reports them. */
async function completeWithParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
  withParents: boolean,
): Promise<RestoreConflict[]> {
  for (;;) {
    const missing = await findDeletedParents(em, ctx, catalog, rows, withParents ? 'no key update' : 'share');
    if (!withParents || missing.length === 0) {
      return describeMissing(em, ctx, missing);
    }
    for (const { edge, parent } of missing) {
      await rows.add(edge.parent, [parent]);
    }
  }
}

async function describeMissing(
  em: EntityManager,
  ctx: Transaction,
  missing: readonly DeletedParent[],
): Promise<RestoreConflict[]> {
  const conflicts: RestoreConflict[] = [];
  for (const [edge, group] of Map.groupBy(missing, (parent) => parent.edge)) {
    const children = group.map(({ key }) => key);
    const parents = group.map(({ parent }) => parent);
    const childKey = await entityKeys(em, ctx, edge.child, children);
    const parentKey = await entityKeys(em, ctx, edge.parent, parents);
    for (const { key, parent } of group) {
      conflicts.push({
        reason: 'parent-deleted',
        entity: edge.child.className,
        key: childKey(key),
        constraint: edge.name,
        conflictingKey: parentKey(parent),
      });
    }
  }
  return conflicts;
}

async function activate(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<number> {
  const stamp = stampSql(em, entry, null);
  let count = 0;
  await inChunks(rows.each(entry.meta), async (chunk) => {
    const condition = keyConditionSql(em, entry.meta, 'c', chunk);
    count += await executeCounting(
      em,
      ctx,
      `update ${tableName(em, entry.meta)} as c set ${stamp.assignments} where ${condition.sql}`,
      [...stamp.params, ...condition.params],
    );
  });
  return count;
}
