import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RelationGraph } from '../../metadata/relations/relation-graph.js';
import { rowConditionsSql } from '../../sql/row-condition-sql.js';
import { keyConditionSql, keySql } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { type CollectedRows, rowName } from './collected-rows.js';

/**
 * Collects the rows of pivot tables that link collected rows to others: they go with either end.
 *
 * @internal
 */
export async function collectPivotRows(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  collected: CollectedRows,
): Promise<void> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  for (const { link, linkConditions, parent, child } of graph.edges) {
    if (link.kind !== 'pivot') {
      continue;
    }
    const sides = [
      { side: 'parent', end: parent, columns: link.parentColumns, referenced: link.parentReferenced },
      { side: 'child', end: child, columns: link.childColumns, referenced: link.childReferenced },
    ] as const;
    for (const { side, end, columns, referenced } of sides) {
      if (collected.rows.count(end) === 0) {
        continue;
      }
      const going = keyConditionSql(em, end, 'p', collected.rows.keys(end));
      const ofSide = rowConditionsSql(em, link.table, 'k', side === link.polymorphicSide ? linkConditions : []);
      const same = columns.map((column, i) => `k.${quote(column)} = p.${quote(referenced[i]!)}`);
      const found = await execute<{ key: string[]; owner: string[] }>(
        em,
        ctx,
        `select ${keySql(em, link.table, 'k')}, ${keySql(em, end, 'p', 'owner')} ` +
          `from ${tableName(em, link.table)} as k, ${tableName(em, end.root)} as p ` +
          `where ${[...same, going.sql, ofSide.sql].join(' and ')}`,
        [...going.params, ...ofSide.params],
      );
      for (const { key, owner } of found) {
        const name = rowName(end, owner);
        collected.own(link.table, key, name, collected.belongsTo(name) ?? end.root.className);
      }
      await collected.add(
        link.table,
        found.map(({ key }) => key),
      );
    }
  }
}
