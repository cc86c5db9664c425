import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import {
  ALLOW_PHYSICAL_DELETE_SQL,
  ASK_FOR_HOLDS_SQL,
  REFUSE_PHYSICAL_DELETE_SQL,
  MARK_HOLDS_CHECKED_SQL,
} from '../sql/guard-setting.js';
import { requireContext } from '../installation/context-of.js';
import { getInstallation } from '../installation/installation.js';
import { isInheritance } from '../metadata/relations/key-relations.js';
import { tablesOf } from '../metadata/mapped-tables.js';
import { keyColumns, type RelationGraph } from '../metadata/relations/relation-graph.js';
import { tableName } from '../sql/table-name.js';
import { findHeld, forgetRemoved, type HeldEntities } from '../memory/forget-removed.js';
import type { OperationPart } from '../events/operation.js';
import { keysOfRows } from './keys-for-events.js';
import { keysToRows } from './keys-to-rows.js';
import { type LinkSide, linkSides } from './link-sides.js';
import { askArchived, lockArchived } from './hard-delete-snapshots.js';
import { findHolds, type HoldInTheWay, refuseHeld, refuseIfHeld } from './refuse-if-held.js';
import { lockAlong } from './lock-along.js';
import { findReferences, refuseReferenced } from './find-references.js';
import { readUnits } from './restoration/read-units.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { findVetoes } from '../postgres/vetoes.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionRestriction } from '../errors/deletion-restriction.js';
import { againIfRenamed } from '../postgres/again-if-renamed.js';
import { foreignKeyFacts, type KeysTo } from '../postgres/foreign-key-facts.js';
import { type GuardedTable, hiddenRows, removedSql } from '../postgres/removed-rows.js';
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
 * @throws LegalHoldError if a hold covers one of them; nothing is removed then
 * @internal
 */
export async function hardDeleteRows(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  options: DeletionOptions = {},
): Promise<number> {
  const { filters, ...given } = requireDeletionOptions('hardDelete()', options);
  const installation = getInstallation(em);
  const { catalog, transactions, operations } = installation;
  const context = requireContext(installation, 'hardDelete()', given);
  const asked = await selectRows(em, meta, where, { scope: 'with', filters });
  const askedArchived = await askArchived(em, meta, where, { filters });
  return againIfRenamed(() =>
    inTransaction(em, async (ctx) => {
      const { rows } = await lockAlong(em, ctx, catalog.graph, meta, asked, () => []);
      const archived = await lockArchived(em, ctx, meta, askedArchived);
      refuseHeld(meta, archived.holds);
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
      const vetoes = await removeUnlessRestricted(em, ctx, catalog.graph, rows, async (references) => {
        refuseReferenced(meta, references);
        await refuseIfHeld(em, ctx, meta, rows);
        return [];
      });
      if (vetoes.length > 0) {
        throw new DeletionRestrictedError(meta.className, vetoes);
      }
      await archived.remove();
      parts.forEach(({ meta }) => transactions.undoOnRollback(ctx, forgetRemoved(held.get(meta)!)));
      parts.push(...archived.parts);
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
  where: AnyCondition,
  options: DeletionOptions,
): Promise<DeletionPreview> {
  const { filters } = requireDeletionOptions('hardDelete()', options);
  const { graph } = getInstallation(em).catalog;
  const asked = await selectRows(em, meta, where, { scope: 'with', filters, isPreview: true });
  const askedArchived = await askArchived(em, meta, where, { filters, isPreview: true });
  return againIfRenamed(() =>
    inPreview(em, async (ctx) => {
      const { rows } = await lockAlong(em, ctx, graph, meta, asked, () => []);
      const archived = await lockArchived(em, ctx, meta, askedArchived);
      // A trigger of the application may object.
      const restrictions = await removeUnlessRestricted(em, ctx, graph, rows, async (references) => [
        ...references,
        ...describeHolds(await findHolds(em, ctx, rows)),
      ]);
      const affected: Record<string, number> = {};
      const counts = rows.entities().map((root) => ({ meta: root, count: rows.count(root) }));
      for (const { meta: root, count } of [...counts, ...archived.parts]) {
        affected[root.className] = (affected[root.className] ?? 0) + count;
      }
      return {
        affected,
        total: Object.values(affected).reduce((sum, count) => sum + count, 0),
        restrictions: [...restrictions, ...describeHolds(archived.holds)],
      };
    }),
  );
}

function describeHolds(holds: readonly HoldInTheWay[]): DeletionRestriction[] {
  return holds.flatMap(({ hold, held }) =>
    Object.entries(held).map(([entity, count]) => ({ relation: `the legal hold "${hold.name}"`, entity, count })),
  );
}

/**
 * Removes the rows unless something restricts that.
 *
 * @param judge - is told what references the rows, perhaps once more; returns what restricts their removal, or throws
 * @returns what restricts their removal
 */
async function removeUnlessRestricted(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
  judge: (references: readonly DeletionRestriction[]) => Promise<readonly DeletionRestriction[]>,
): Promise<readonly DeletionRestriction[]> {
  if (rows.entities().length === 0) {
    return [];
  }
  return foreignKeyFacts.use(em, ctx, async (facts) => {
    const keys = keysToRows(em, facts, graph, rows);
    const references = await findReferences(em, ctx, graph, rows, keys);
    if (references === STALE) {
      return STALE;
    }
    const restrictions = await judge(references);
    if (restrictions.length > 0) {
      return restrictions;
    }
    return removeAll(em, ctx, graph, rows, keys);
  });
}

/** A name that no table has: it would hide the table. */
const ALLOWED = '"soft-delete:allowed"';

/** Where nobody has to look whether a key was added: what points at the rows was asked in the transaction itself. */
const ALWAYS: SqlFragment = { sql: 'true', params: [] };

/**
 * One statement for all tables: foreign keys are checked at its end, so that cycles need no order. It holds the locks that keep others
 * from adding a key by the time it looks whether one was added, and then removes nothing.
 *
 * @returns what has kept rows in place without a word
 * @internal
 */
export async function removeAll(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
  keys?: KeysTo,
): Promise<DeletionRestriction[] | typeof STALE> {
  const roots = rows.entities();
  if (roots.length === 0) {
    return [];
  }
  const isFresh = keys?.isFresh ?? ALWAYS;
  const guarded = keys ? guardedTables(em, rows, keys) : [];
  const removed = guarded.length > 0 ? removedSql(guarded) : NOTHING;
  const links = removePivotRows(em, graph, rows);
  const removals = roots.toReversed().map((root): SqlFragment => {
    const condition = keyConditionSql(em, root, 'c', rows.keys(root));
    return {
      sql: `delete from ${tableName(em, root)} as c where ${condition.sql} and (select "isAllowed" from ${ALLOWED}) returning 1`,
      params: condition.params,
    };
  });
  const all = [
    ...links.map(({ sql, params }) => ({ sql: `${sql} and (select "isAllowed" from ${ALLOWED})`, params })),
    ...removals,
  ];
  const gone = removals.map((_removal, i) => `(select count(*)::int from "soft-delete:removal${links.length + i}")`);
  const { holds } = getInstallation(em);
  // The holds were looked at, under their lock.
  const marked = holds ? ` and ${MARK_HOLDS_CHECKED_SQL} is not null` : '';
  const isAllowed = `case when ${isFresh.sql} then (${ALLOW_PHYSICAL_DELETE_SQL}) is not null${marked} else false end`;
  const [row] = await execute<{ isAllowed: boolean; gone: number[]; before: number[] | null }>(
    em,
    ctx,
    `with ${ALLOWED} as materialized (select ${isAllowed} as "isAllowed", ${removed.sql} as before), ` +
      all.map(({ sql }, i) => `"soft-delete:removal${i}" as (${sql})`).join(', ') +
      ` select "isAllowed", before, array[${gone.toReversed().join(', ')}] as gone from ${ALLOWED}`,
    [...isFresh.params, ...removed.params, ...all.flatMap(({ params }) => params)],
  );
  const [over] = await execute<{ after: number[] | null }>(
    em,
    ctx,
    `${REFUSE_PHYSICAL_DELETE_SQL}${holds ? `, ${ASK_FOR_HOLDS_SQL}` : ''}, ${removed.sql} as after`,
    removed.params,
  );
  const hidden = hiddenRows(guarded, row!.before, over!.after, (entity) => row!.gone[roots.indexOf(entity.root)] ?? 0);
  // The rows were locked: where one is left, a trigger or a rule has said nothing and kept it.
  return row!.isAllowed ? [...(await findVetoes(em, ctx, rows, row!.gone)), ...hidden] : STALE;
}

const NOTHING: SqlFragment = { sql: 'null', params: [] };

/** Where the database may remove rows along that a policy hides. Pivot rows go along anyway. */
function guardedTables(em: EntityManager, rows: RowSet, keys: KeysTo): GuardedTable[] {
  const tables = rows.entities().flatMap((root) => tablesOf(em.getMetadata(), root));
  const guarded = tables.flatMap((table) =>
    keys
      .of(table)
      .filter(
        ({ action, from, entity, fromColumns }) =>
          action === 'cascade' &&
          from.hasPolicies &&
          !(entity && (entity.pivotTable || isInheritance(entity, fromColumns, table))),
      ),
  );
  return [...new Map(guarded.map(({ from: { name }, entity }) => [name, { name, entity }])).values()];
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
    (prop) =>
      prop.persist !== false &&
      prop.createForeignKeyConstraint !== false &&
      prop.deleteRule?.toLowerCase() === 'cascade' &&
      columns.length === keyColumns(prop).length &&
      columns.every((column) => keyColumns(prop).includes(column)),
  );
}
