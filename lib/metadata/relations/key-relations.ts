import type { EntityMetadata } from '@mikro-orm/core';
import type { GraphRelation } from './graph-relation.js';
import { primaryColumns, type RelationGraph } from './relation-graph.js';

/** The relation that follows a key from the rows of one table to those of another, if the ORM maps it. @internal */
export function relationOver(
  graph: RelationGraph,
  holder: EntityMetadata | undefined,
  columns: readonly string[],
  target: EntityMetadata | undefined,
): GraphRelation | undefined {
  return graph.edges.find(
    ({ link, parent }) =>
      link.kind === 'child-key' &&
      isSameTable(link.table, holder) &&
      parent.root === target?.root &&
      link.columns.length === columns.length &&
      link.columns.every((column) => columns.includes(column)),
  );
}

/** Classes of a hierarchy may share a table. */
function isSameTable(link: EntityMetadata, holder: EntityMetadata | undefined): boolean {
  return link.root === holder?.root && link.tableName === holder.tableName;
}

/** Whether a key joins the tables of one row of a table-per-type hierarchy. @internal */
export function isInheritance(holder: EntityMetadata, columns: readonly string[], target: EntityMetadata): boolean {
  const key = primaryColumns(holder);
  return Boolean(holder.tptParent) && holder.root === target.root && columns.every((column) => key.includes(column));
}
