import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { activePredicateSql } from '../../metadata/active-predicate.js';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { filterSql } from '../../sql/filter-sql.js';
import { relationSql } from '../../sql/relation-sql.js';
import { keySql, lockBehind, type RowKey } from '../../sql/row-set.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { execute } from '../../sql/transaction.js';
import { type CollectedRows, rowName } from './collected-rows.js';

/** Rows that stay in their table, soft-deleted with the row that takes them along. @internal */
export interface SoftFollower {
  readonly entry: SoftDeletableEntityMetadata;
  readonly key: RowKey;
  /** The row that takes it along. */
  readonly owner: string;
}

/** Rows to go on from, by their root. @internal */
export type Level = Map<EntityMetadata, RowKey[]>;

/**
 * Locks and collects, level by level, everything that rows take along which leaves its table with them: archived rows, and rows
 * that are not marked, which nobody could restore otherwise.
 *
 * @returns the soft-deletable rows among what they take along
 * @internal
 */
export async function collectBehind(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  collected: CollectedRows,
  start: Level,
): Promise<SoftFollower[]> {
  const followers: SoftFollower[] = [];
  let level = start;
  while (level.size > 0) {
    const next: Level = new Map();
    for (const [root, keys] of level) {
      for (const edge of catalog.graph.from(root)) {
        if (!takesAlong(edge) || keys.length === 0) {
          continue;
        }
        const entry = catalog.find(edge.child);
        const column = entry && em.getPlatform().quoteIdentifier(entry.column);
        const behind = await lockBehind(em, ctx, edge, keys, column ? [activePredicateSql(`c.${column}`)] : []);
        if (entry) {
          behind.forEach(({ key, parent }) => followers.push({ entry, key, owner: rowName(root, parent) }));
        } else {
          await take(catalog, collected, edge, behind, next);
        }
      }
    }
    level = next;
  }
  return followers;
}

/**
 * Locks and collects the archived rows that the soft-deleted rows of a unit take along.
 *
 * @returns the rows that are new
 * @internal
 */
export async function collectBehindSoft(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  collected: CollectedRows,
  entries: Iterable<SoftDeletableEntityMetadata>,
  unit: UnitTime,
): Promise<Level> {
  const found: Level = new Map();
  for (const { meta, column, columnType } of entries) {
    for (const edge of catalog.graph.from(meta)) {
      if (!takesAlong(edge) || !catalog.findArchived(edge.child)) {
        continue;
      }
      const relation = relationSql(em, edge);
      const inUnit = filterSql(`p.${em.getPlatform().quoteIdentifier(column)} = cast(? as ${columnType})`);
      const behind = await execute<{ key: string[]; parent: string[] }>(
        em,
        ctx,
        `select ${keySql(em, edge.child, 'c')}, ${keySql(em, edge.parent, 'p', 'parent')} ` +
          `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
          `where ${[inUnit, ...relation.conditions].join(' and ')} for update of c`,
        [unit.text, ...relation.params],
      );
      await take(catalog, collected, edge, behind, found);
    }
  }
  return found;
}

async function take(
  catalog: SoftDeleteCatalog,
  collected: CollectedRows,
  { parent, child }: GraphRelation,
  behind: readonly { key: RowKey; parent: RowKey }[],
  next: Level,
): Promise<void> {
  const own = catalog.findArchived(child)?.name;
  for (const { key, parent: front } of behind) {
    const owner = rowName(parent, front);
    collected.own(child, key, owner, own ?? collected.belongsTo(owner) ?? parent.root.className);
  }
  const added = await collected.add(
    child,
    behind.map(({ key }) => key),
  );
  if (added.length > 0) {
    next.set(child.root, [...(next.get(child.root) ?? []), ...added]);
  }
}
