import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { activePredicateSql } from '../metadata/active-predicate.js';
import { getInstallation } from '../metadata/installation.js';
import { primaryColumns } from '../metadata/relation-graph.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';
import { type Affected, cascadeDeletion, refuseIfRestricted } from './cascade-deletion.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { stampSql } from './stamp-sql.js';
import { syncDeleted } from './sync-managed-entities.js';
import { takeUnitTime, type UnitTime } from './take-unit-time.js';
import { executeCounting, inTransaction } from './transaction.js';

/**
 * Why and by whom rows are deleted, for the events.
 *
 * @publicApi
 */
export interface DeletionOptions {
  reason?: string;
  /** @default the module's `actor()` */
  actor?: string;
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
  const { reason, actor } = requireDeletionOptions('softDelete()', options);
  const { catalog, transactions, ...installation } = getInstallation(em);
  const entry = catalog.get(meta);
  await em.tryFlush(meta.class, {});
  return inTransaction(em, async (ctx) => {
    const unit = await takeUnitTime(em, ctx, transactions);
    const affected: Affected = new Map();
    const count = await deleteMatching(em, ctx, entry, meta, where, unit);
    if (count > 0) {
      affected.set(entry, count);
      for (const [child, cascaded] of await cascadeDeletion(em, ctx, catalog, unit, [entry])) {
        affected.set(child, (affected.get(child) ?? 0) + cascaded);
      }
      await refuseIfRestricted(em, ctx, catalog, unit, affected.keys());
    }
    const by = actor ?? installation.actor();
    for (const [deleted, rows] of affected) {
      transactions.undoOnRollback(ctx, await syncDeleted(em, ctx, deleted, unit));
      transactions.emitAfterCommit(ctx, {
        type: 'deleted',
        entity: deleted.name,
        count: rows,
        deletedAt: unit.date,
        ...(by === undefined ? {} : { actor: by }),
        ...(reason === undefined ? {} : { reason }),
      });
    }
    return { deletedAt: unit.date, ...summarize(affected) };
  });
}

/** Puts the active rows that match into a unit. @returns how many @internal */
export function deleteMatching(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  unit: UnitTime,
): Promise<number> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const matching = em.createQueryBuilder<any>(meta.class).select(meta.primaryKeys).where(where).toQuery();
  const stamp = stampSql(em, entry, unit.text);
  const keys = primaryColumns(entry.meta).map((column) => `c.${quote(column)}`);
  return executeCounting(
    em,
    ctx,
    `update ${tableName(em, entry.meta)} as c set ${stamp.assignments} ` +
      `where ${activePredicateSql(`c.${quote(entry.column)}`)} and (${keys.join(', ')}) in (${matching.sql})`,
    [...stamp.params, ...matching.params],
  );
}

/** @internal */
export function summarize(affected: Affected): { affected: Record<string, number>; total: number } {
  const entries = [...affected].filter(([, count]) => count > 0).map(([{ name }, count]) => [name, count] as const);
  return {
    affected: Object.fromEntries(entries),
    total: entries.reduce((sum, [, count]) => sum + count, 0),
  };
}
