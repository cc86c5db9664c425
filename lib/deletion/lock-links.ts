import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { KeysTo } from '../postgres/foreign-key-facts.js';
import { rowConditionsSql } from '../sql/row-condition-sql.js';
import { keyConditionSql, keySql, type RowKey, RowSet } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { goesAlong } from './keys-to-rows.js';
import type { LinkSide } from './link-sides.js';

/**
 * Locks the pivot rows that go along with removed rows, and what goes with those by keys with `on delete cascade`, so that nothing
 * can begin to reference them. They are locked only where something can reference them.
 *
 * @param keys - those of `keysToRows()`
 * @returns the locked rows
 * @internal
 */
export async function lockLinks(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  sides: readonly LinkSide[],
  removed: RowSet,
  keys: KeysTo,
): Promise<RowSet> {
  const rows = new RowSet();
  let level = new Map<EntityMetadata, RowKey[]>();
  for (const [table, some] of Map.groupBy(sides, (side) => side.table)) {
    if (keys.of(table).length > 0 || graph.from(table).length > 0) {
      level.set(table, await lock(em, ctx, some, removed, rows));
    }
  }
  const catalog = SoftDeleteCatalog.of(em);
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [table, going] of level) {
      for (const key of going.length > 0 ? keys.of(table) : []) {
        if (key.entity && goesAlong(key, catalog)) {
          const { entity, fromColumns: columns, toColumns: referenced } = key;
          const side = { table: entity, columns, referenced, end: table, conditions: [] };
          const added = await lock(em, ctx, [side], { keys: () => going }, rows);
          next.set(entity, [...(next.get(entity) ?? []), ...added]);
        }
      }
    }
    level = next;
  }
  return rows;
}

/** Locks the rows of one table that reference some rows. Returns those that were not locked before. */
async function lock(
  em: EntityManager,
  ctx: Transaction,
  sides: readonly Omit<LinkSide, 'isPolymorphic'>[],
  removed: Pick<RowSet, 'keys'>,
  rows: RowSet,
): Promise<RowKey[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const added: RowKey[] = [];
  for (const { table, columns, end, referenced, conditions } of sides) {
    const going = keyConditionSql(em, end, 'p', removed.keys(end));
    const ofSide = rowConditionsSql(em, table, 'k', conditions);
    const same = columns.map((column, i) => `k.${quote(column)} = p.${quote(referenced[i]!)}`);
    const found = await execute<{ key: string[] }>(
      em,
      ctx,
      `select ${keySql(em, table, 'k')} from ${tableName(em, table)} as k, ${tableName(em, end)} as p ` +
        `where ${[...same, going.sql, ofSide.sql].join(' and ')} for update of k`,
      [...going.params, ...ofSide.params],
    );
    added.push(
      ...(await rows.add(
        table,
        found.map(({ key }) => key),
      )),
    );
  }
  return added;
}
