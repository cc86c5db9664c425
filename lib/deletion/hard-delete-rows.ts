import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { ALLOW_PHYSICAL_DELETE_SQL, REFUSE_PHYSICAL_DELETE_SQL } from '../sql/guard-setting.js';
import { requireContext } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import type { RelationGraph } from '../metadata/relation-graph.js';
import { tableName } from '../sql/table-name.js';
import { findHeld, forgetRemoved, type HeldEntities } from '../memory/forget-removed.js';
import type { OperationPart } from '../events/operation.js';
import { keysOfRows } from './keys-for-events.js';
import { type LinkSide, linkSides } from './link-sides.js';
import { findHolds, refuseIfHeld } from './refuse-if-held.js';
import { lockAlong } from './lock-along.js';
import { readUnits } from './read-units.js';
import { findReferences, refuseIfReferenced } from './refuse-if-referenced.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { rowConditionsSql, type SqlFragment } from '../sql/row-condition-sql.js';
import { keyConditionSql, type RowSet } from '../sql/row-set.js';
import { selectRows } from '../sql/select-rows.js';
import type { DeletionOptions, DeletionPreview } from './soft-delete-rows.js';
import { execute, executeCounting, inPreview, inTransaction } from '../sql/transaction.js';

/**
 * Removes rows physically with everything behind their `cascade` relations.
 *
 * @throws DeletionRestrictedError if another row still references one of them; nothing is removed then
 * @throws LegalHoldError if a hold covers one of them; nothing is removed then
 * @internal
 */
export async function hardDeleteRows(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: DeletionOptions = {},
): Promise<number> {
  const { filters, ...given } = requireDeletionOptions('hardDelete()', options);
  const installation = getInstallation(em);
  const { catalog, transactions, operations } = installation;
  const context = requireContext(installation, 'hardDelete()', given);
  const asked = await selectRows(em, meta, where, { scope: 'with', filters });
  return inTransaction(em, async (ctx) => {
    const rows = await lockAlong(em, ctx, catalog.graph, meta, asked, () => []);
    await refuseIfReferenced(em, ctx, catalog.graph, meta, rows);
    await refuseIfHeld(em, ctx, meta, rows);
    const held = new Map<EntityMetadata, HeldEntities>();
    for (const root of rows.entities()) {
      held.set(root, await findHeld(em, ctx, root, rows));
    }
    const units = operations.isAttended ? await readUnits(em, ctx, catalog, rows) : undefined;
    const parts: OperationPart[] = [];
    for (const root of rows.entities()) {
      const keys = await keysOfRows(em, ctx, root, rows);
      parts.push({ meta: root, count: rows.count(root), ...keys, rows: units?.get(root) });
    }
    await removeAll(em, ctx, catalog.graph, rows);
    parts.forEach(({ meta }) => transactions.undoOnRollback(ctx, forgetRemoved(held.get(meta)!)));
    await operations.complete({ action: 'hard-deleted', ...context, parts }, { em, ctx });
    return parts.reduce((total, { count }) => total + count, 0);
  });
}

/**
 * What `hardDeleteRows()` would do: its own statements, undone. Memory and events hear nothing of it.
 *
 * @internal
 */
export async function previewHardDeletion(
  em: EntityManager,
  meta: EntityMetadata,
  where: FilterQuery<any>,
  options: DeletionOptions,
): Promise<DeletionPreview> {
  const { filters } = requireDeletionOptions('hardDelete()', options);
  const { graph } = getInstallation(em).catalog;
  const asked = await selectRows(em, meta, where, { scope: 'with', filters, isPreview: true });
  return inPreview(em, async (ctx) => {
    const rows = await lockAlong(em, ctx, graph, meta, asked, () => []);
    const restrictions = [...(await findReferences(em, ctx, graph, rows)), ...(await describeHolds(em, ctx, rows))];
    if (restrictions.length === 0) {
      // A trigger of the application may object.
      await removeAll(em, ctx, graph, rows);
    }
    const counts = rows.entities().map((root) => [root.className, rows.count(root)] as const);
    return {
      affected: Object.fromEntries(counts),
      total: counts.reduce((sum, [, count]) => sum + count, 0),
      restrictions,
    };
  });
}

async function describeHolds(em: EntityManager, ctx: Transaction, rows: RowSet): Promise<DeletionRestriction[]> {
  return (await findHolds(em, ctx, rows)).flatMap(({ hold, held }) =>
    Object.entries(held).map(([entity, count]) => ({ relation: `the legal hold "${hold.name}"`, entity, count })),
  );
}

/** One statement for all tables: foreign keys are checked at its end, so that cycles need no order. @internal */
export async function removeAll(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
): Promise<void> {
  if (rows.entities().length === 0) {
    return;
  }
  await execute(em, ctx, ALLOW_PHYSICAL_DELETE_SQL);
  const params: unknown[] = [];
  const links = removePivotRows(em, graph, rows);
  params.push(...links.flatMap((link) => link.params));
  const removals = rows
    .entities()
    .toReversed()
    .map((root, i) => {
      const condition = keyConditionSql(em, root, 'c', rows.keys(root));
      params.push(...condition.params);
      return `"soft-delete:removal${i}" as (delete from ${tableName(em, root)} as c where ${condition.sql})`;
    });
  const all = [...links.map(({ sql }, i) => `"soft-delete:links${i}" as (${sql})`), ...removals];
  await executeCounting(em, ctx, `with ${all.join(', ')} select 1`, params);
  await execute(em, ctx, REFUSE_PHYSICAL_DELETE_SQL);
}

/** Pivot rows that no foreign key takes along: those of polymorphic relations, and of relations whose keys do not cascade. */
function removePivotRows(em: EntityManager, graph: RelationGraph, rows: RowSet): SqlFragment[] {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return linkSides(graph, rows)
    .filter((side) => side.isPolymorphic || !goesByItself(side))
    .map(({ table, columns, end, referenced, conditions }) => {
      const going = keyConditionSql(em, end, 'p', rows.keys(end));
      const ofSide = rowConditionsSql(em, table, 'k', conditions);
      const same = columns.map((column, i) => `k.${quote(column)} = p.${quote(referenced[i]!)}`);
      return {
        sql:
          `delete from ${tableName(em, table)} as k using ${tableName(em, end.root)} as p ` +
          `where ${[...same, going.sql, ofSide.sql].join(' and ')}`,
        params: [...going.params, ...ofSide.params],
      };
    });
}

function goesByItself({ table, columns }: LinkSide): boolean {
  return table.relations.some(
    ({ joinColumns, persist, createForeignKeyConstraint, deleteRule }) =>
      persist !== false &&
      createForeignKeyConstraint !== false &&
      deleteRule?.toLowerCase() === 'cascade' &&
      columns.length === joinColumns.length &&
      columns.every((column) => joinColumns.includes(column)),
  );
}
