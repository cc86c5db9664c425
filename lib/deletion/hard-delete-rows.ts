import type { EntityMetadata, FilterQuery } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { ALLOW_PHYSICAL_DELETE_SQL, REFUSE_PHYSICAL_DELETE_SQL } from '../metadata/guard-setting.js';
import { getInstallation } from '../metadata/installation.js';
import type { RelationGraph } from '../metadata/relation-graph.js';
import { tableName } from '../metadata/table-name.js';
import { findForeignKeys, type ForeignKey } from './find-foreign-keys.js';
import { forgetRemoved } from './forget-removed.js';
import { lockRows } from './lock-rows.js';
import { requireDeletionOptions } from './require-deletion-options.js';
import { keyConditionSql, lockBehind, RowSet } from './row-set.js';
import { type RowSelection, selectRows } from './select-rows.js';
import type { DeletionOptions } from './soft-delete-rows.js';
import { execute, executeCounting, inTransaction } from './transaction.js';

/** `keep` is of no help here: what is kept would refer to nothing. */
const HARD_DELETE_ADVICE =
  "Remove these rows first (hardDelete() of deleted ones too), point them elsewhere, or declare the relation as 'cascade'.";

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
  const { reason, actor, filters } = requireDeletionOptions('hardDelete()', options);
  const { catalog, transactions, ...installation } = getInstallation(em);
  const asked = await selectRows(em, meta, where, { scope: 'with', filters });
  return inTransaction(em, async (ctx) => {
    const rows = await collect(em, ctx, catalog.graph, meta, asked);
    if (rows.entities().length === 0) {
      return 0;
    }
    await refuseIfReferenced(em, ctx, meta, rows);
    await execute(em, ctx, ALLOW_PHYSICAL_DELETE_SQL);
    await removeAll(em, ctx, rows);
    await execute(em, ctx, REFUSE_PHYSICAL_DELETE_SQL);

    let total = 0;
    const by = actor ?? installation.actor();
    for (const root of rows.entities()) {
      const count = rows.count(root);
      total += count;
      transactions.undoOnRollback(ctx, await forgetRemoved(em, ctx, root, rows));
      transactions.emitAfterCommit(ctx, {
        type: 'hard-deleted',
        entity: root.className,
        count,
        ...(by === undefined ? {} : { actor: by }),
        ...(reason === undefined ? {} : { reason }),
      });
    }
    return total;
  });
}

async function collect(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  meta: EntityMetadata,
  asked: RowSelection,
): Promise<RowSet> {
  const rows = new RowSet();
  let level = new Map([[meta.root, rows.add(meta, await lockRows(em, ctx, meta, asked))]]);
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      for (const edge of graph.from(root)) {
        if (edge.policy !== 'cascade' || keys.length === 0) {
          continue;
        }
        const behind = await lockBehind(em, ctx, edge, keys);
        const added = rows.add(
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

async function refuseIfReferenced(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<void> {
  const restrictions: DeletionRestriction[] = [];
  for (const root of rows.entities()) {
    for (const key of await findForeignKeys(em, ctx, root)) {
      const count = await countReferencing(em, ctx, root, key, rows);
      if (count > 0) {
        restrictions.push({ relation: key.name, entity: key.entity?.className ?? key.table, count });
      }
    }
  }
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(meta.className, restrictions, HARD_DELETE_ADVICE);
  }
}

/** Rows of the table that holds the key, other than those that go as well. */
async function countReferencing(
  em: EntityManager,
  ctx: Transaction,
  root: EntityMetadata,
  key: ForeignKey,
  rows: RowSet,
): Promise<number> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  if (key.entity?.pivotTable || (key.entity && key.entity.tptParent && key.entity.root === root)) {
    return 0;
  }
  const referenced = keyConditionSql(em, root, 'p', rows.keys(root));
  const going = key.entity ? rows.keys(key.entity) : [];
  const others = key.entity && going.length > 0 ? keyConditionSql(em, key.entity, 'c', going) : undefined;
  const on = key.columns.map((column, i) => `c.${quote(column)} = p.${quote(key.referenced[i]!)}`);
  const [row] = await execute<{ count: number }>(
    em,
    ctx,
    `select count(*)::int as count from ${key.table} as c join ${tableName(em, root)} as p on ${on.join(' and ')} ` +
      `where ${[referenced.sql, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    [...referenced.params, ...(others?.params ?? [])],
  );
  return row!.count;
}

/** One statement for all tables: foreign keys are checked at its end, so that cycles need no order. */
async function removeAll(em: EntityManager, ctx: Transaction, rows: RowSet): Promise<void> {
  const params: string[] = [];
  const removals = rows
    .entities()
    .toReversed()
    .map((root, i) => {
      const condition = keyConditionSql(em, root, 'c', rows.keys(root));
      params.push(...condition.params);
      return `"soft-delete:removal${i}" as (delete from ${tableName(em, root)} as c where ${condition.sql})`;
    });
  await executeCounting(em, ctx, `with ${removals.join(', ')} select 1`, params);
}
