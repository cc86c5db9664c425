import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { rowConditionsSql } from '../../sql/row-condition-sql.js';
import type { Membership, GraphRelation, RowCondition } from '../../metadata/relations/graph-relation.js';
import { tableName } from '../../sql/table-name.js';
import type { PurgeCondition } from './key-graph.js';

/**
 * Which of the rows behind a key a relation takes along, as conditions on the rows of a table of theirs. A relation of all rows has
 * none.
 *
 * @internal
 */
export function partConditions(em: EntityManager, relation: GraphRelation, table: EntityMetadata): PurgeCondition[] {
  const { members, except } = relation;
  const columns = members.child.filter((condition) => 'column' in condition);
  const others = members.child.filter((condition) => !('column' in condition));
  const areRelated = (rows: Membership, alias: string) =>
    [
      conditionsSql(em, table, alias, rows.child),
      ...(rows.parent.length > 0 ? [inFrontSql(em, relation, alias, rows.parent)] : []),
    ].join(' and ');
  const isPartial = others.length > 0 || members.parent.length > 0;
  return [
    ...columns,
    ...(isPartial ? [{ sql: (alias: string) => areRelated({ ...members, child: others }, alias) }] : []),
    ...except.map((rows) => ({ sql: (alias: string) => `(${areRelated(rows, alias)}) is not true` })),
  ];
}

/** Whether the row in front of a key meets conditions. What a row itself points at is looked for beside it: it is `p` there. */
function inFrontSql(
  em: EntityManager,
  { link, parent: { root } }: GraphRelation,
  alias: string,
  conditions: readonly RowCondition[],
): string {
  if (link.kind !== 'child-key') {
    return conditionsSql(em, root, 'p', conditions);
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const same = link.columns.map((column, i) => `f.${quote(link.referenced[i]!)} = ${alias}.${quote(column)}`);
  const met = conditionsSql(em, root, 'f', conditions);
  return `exists (select from ${tableName(em, root)} as f where ${[...same, met].join(' and ')})`;
}

function conditionsSql(
  em: EntityManager,
  table: EntityMetadata,
  alias: string,
  conditions: readonly RowCondition[],
): string {
  const { sql, params } = rowConditionsSql(em, table, alias, conditions);
  return `(${params.length > 0 ? em.getPlatform().formatQuery(sql, params) : sql})`;
}
