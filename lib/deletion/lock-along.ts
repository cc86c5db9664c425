import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import { takesAlong } from '../metadata/relations/relation-policies.js';
import { lockRows } from '../sql/lock-rows.js';
import { identify, lockBehind, RowSet } from '../sql/row-set.js';
import type { RowSelection } from '../sql/select-rows.js';

/** @internal */
export interface LockedRows {
  readonly rows: RowSet;
  /** How many of the rows were found behind a relation of others of them, or fewer where they are very many. */
  behind(relation: GraphRelation): number;
}

/** How many rows behind one relation are counted. */
const COUNTED = 50_000;

/**
 * Locks the rows that are asked for and, level by level, those that `cascade` relations take along.
 *
 * @param among - what else is asked of the rows behind a relation, as `c`, and of those in front, as `p`; `undefined` leaves it out
 * @internal
 */
export async function lockAlong(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  meta: EntityMetadata,
  asked: RowSelection,
  among: (relation: GraphRelation, front: EntityMetadata) => readonly string[] | undefined,
): Promise<LockedRows> {
  const rows = new RowSet();
  const behindRelations = new Map<GraphRelation, Set<string>>();
  let level = new Map([[meta.root, await rows.add(meta, await lockRows(em, ctx, meta, asked))]]);
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      for (const relation of graph.from(root)) {
        const conditions = takesAlong(relation) && keys.length > 0 ? among(relation, root) : undefined;
        if (!conditions) {
          continue;
        }
        const behind = await lockBehind(em, ctx, relation, keys, conditions);
        const found = behindRelations.get(relation) ?? new Set<string>();
        behindRelations.set(relation, found);
        if (found.size + behind.length <= COUNTED) {
          behind.forEach(({ key }) => found.add(identify(key)));
        }
        const added = await rows.add(
          relation.child,
          behind.map(({ key }) => key),
        );
        if (added.length > 0) {
          next.set(relation.child.root, [...(next.get(relation.child.root) ?? []), ...added]);
        }
      }
    }
    level = next;
  }
  return { rows, behind: (relation) => behindRelations.get(relation)?.size ?? 0 };
}
