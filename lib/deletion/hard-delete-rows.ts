import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ALLOW_PHYSICAL_DELETE_SQL, REFUSE_PHYSICAL_DELETE_SQL } from '../sql/guard-setting.js';
import { contextOf } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import type { RelationGraph } from '../metadata/relation-graph.js';
import { tableName } from '../sql/table-name.js';
import { findHeld, forgetRemoved, type HeldEntities } from '../memory/forget-removed.js';
import { lockAlong } from './lock-along.js';
import { findReferences, keysToRows, refuseReferenced } from './find-references.js';
import { readUnits } from './read-units.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import type { DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { againIfRenamed } from '../postgres/again-if-renamed.js';
import { foreignKeyFacts } from '../postgres/foreign-key-facts.js';
import { STALE } from '../postgres/kept-facts.js';
import { rowConditionsSql, type SqlFragment } from '../sql/row-condition-sql.js';
import { keyConditionSql, type RowSet } from '../sql/row-set.js';
import { selectRows } from '../sql/select-rows.js';
import type { DeletionOptions, DeletionPreview } from './soft-delete-rows.js';
import { execute, inPreview, inTransaction } from '../sql/transaction.js';

/**
 * Removes rows physically with everything behind their `cascade` relations.
 *
 * @throws DeletionRestrictedError if another row still references one of them; nothing is removed then
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
  const context = contextOf(installation, given);
  const asked = await selectRows(em, meta, where, { scope: 'with', filters });
  return againIfRenamed(() =>
    inTransaction(em, async (ctx) => {
      const { rows } = await lockAlong(em, ctx, catalog.graph, meta, asked, () => []);
      const held = new Map<EntityMetadata, HeldEntities>();
      for (const root of rows.entities()) {
        held.set(root, await findHeld(em, ctx, root, rows));
      }
      const units = operations.isAttended ? await readUnits(em, ctx, catalog, rows) : undefined;
      refuseReferenced(meta, await removeUnlessReferenced(em, ctx, catalog.graph, rows));
      const parts = rows.entities().map((meta) => ({ meta, count: rows.count(meta), rows: units?.get(meta) }));
      parts.forEach(({ meta }) => transactions.undoOnRollback(ctx, forgetRemoved(held.get(meta)!)));
      await operations.complete({ action: 'hard-deleted', ...context, parts }, { em, ctx });
      return parts.reduce((total, { count }) => total + count, 0);
    }),
  );
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
  return againIfRenamed(() =>
    inPreview(em, async (ctx) => {
      const { rows } = await lockAlong(em, ctx, graph, meta, asked, () => []);
      // A trigger of the application may object.
      const restrictions = await removeUnlessReferenced(em, ctx, graph, rows);
      const counts = rows.entities().map((root) => [root.className, rows.count(root)] as const);
      return {
        affected: Object.fromEntries(counts),
        total: counts.reduce((sum, [, count]) => sum + count, 0),
        restrictions,
      };
    }),
  );
}

/** Removes the rows if nothing else references them. @returns what does */
async function removeUnlessReferenced(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
): Promise<readonly DeletionRestriction[]> {
  if (rows.entities().length === 0) {
    return [];
  }
  return foreignKeyFacts.use(em, ctx, async (facts) => {
    const keys = keysToRows(em, facts, rows);
    const restrictions = await findReferences(em, ctx, graph, rows, keys);
    if (restrictions === STALE || restrictions.length > 0) {
      return restrictions;
    }
    return (await removeAll(em, ctx, graph, rows, keys.isFresh)) ? [] : STALE;
  });
}

/** A name that no table has: it would hide the table. */
const ALLOWED = '"soft-delete:allowed"';

/**
 * One statement for all tables: foreign keys are checked at its end, so that cycles need no order. It holds the locks that keep others
 * from adding a key by the time it looks whether one was added, and then removes nothing.
 *
 * @returns whether it has removed the rows
 */
async function removeAll(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
  isFresh: SqlFragment,
): Promise<boolean> {
  const links = removePivotRows(em, graph, rows);
  const removals = rows
    .entities()
    .toReversed()
    .map((root): SqlFragment => {
      const condition = keyConditionSql(em, root, 'c', rows.keys(root));
      return { sql: `delete from ${tableName(em, root)} as c where ${condition.sql}`, params: condition.params };
    });
  const all = [...links, ...removals];
  const isAllowed = `case when ${isFresh.sql} then (${ALLOW_PHYSICAL_DELETE_SQL}) is not null else false end`;
  const [row] = await execute<{ isAllowed: boolean }>(
    em,
    ctx,
    `with ${ALLOWED} as materialized (select ${isAllowed} as "isAllowed"), ` +
      all
        .map(({ sql }, i) => `"soft-delete:removal${i}" as (${sql} and (select "isAllowed" from ${ALLOWED}))`)
        .join(', ') +
      ` select "isAllowed" from ${ALLOWED}`,
    [...isFresh.params, ...all.flatMap(({ params }) => params)],
  );
  await execute(em, ctx, REFUSE_PHYSICAL_DELETE_SQL);
  return row!.isAllowed;
}

/** Pivot rows that no foreign key takes along: those of polymorphic relations, and of relations without foreign keys. */
function removePivotRows(em: EntityManager, graph: RelationGraph, rows: RowSet): SqlFragment[] {
  return graph.edges.flatMap(({ link, linkConditions, parent, child }) => {
    if (link.kind !== 'pivot') {
      return [];
    }
    const { table, polymorphicSide } = link;
    const hasKey = (columns: readonly string[]) =>
      table.relations.some(
        ({ joinColumns, persist, createForeignKeyConstraint }) =>
          persist !== false &&
          createForeignKeyConstraint !== false &&
          columns.length === joinColumns.length &&
          columns.every((column) => joinColumns.includes(column)),
      );
    const sides = [
      { side: 'parent', end: parent, columns: link.parentColumns, referenced: link.parentReferenced },
      { side: 'child', end: child, columns: link.childColumns, referenced: link.childReferenced },
    ];
    return sides
      .filter(({ side, end, columns }) => rows.count(end) > 0 && (side === polymorphicSide || !hasKey(columns)))
      .map(({ side, end, columns, referenced }) => {
        const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
        const going = keyConditionSql(em, end, 'p', rows.keys(end));
        const ofSide = rowConditionsSql(em, table, 'k', side === polymorphicSide ? linkConditions : []);
        const same = columns.map((column, i) => `k.${quote(column)} = p.${quote(referenced[i]!)}`);
        return {
          sql:
            `delete from ${tableName(em, table)} as k using ${tableName(em, end.root)} as p ` +
            `where ${[...same, going.sql, ofSide.sql].join(' and ')}`,
          params: [...going.params, ...ofSide.params],
        };
      });
  });
}
