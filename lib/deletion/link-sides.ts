import type { EntityMetadata } from '@mikro-orm/core';
import type { ColumnCondition } from '../metadata/relations/graph-relation.js';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import type { RowSet } from '../sql/row-set.js';

/** One of the two keys of a pivot table. Columns correspond by position. @internal */
export interface LinkSide {
  readonly table: EntityMetadata;
  readonly columns: readonly string[];
  /** The entity that the key references. */
  readonly end: EntityMetadata;
  readonly referenced: readonly string[];
  /** Which pivot rows reference this entity, where the key is of several. */
  readonly conditions: readonly ColumnCondition[];
  readonly isPolymorphic: boolean;
}

/** The keys of pivot tables that may reference one of the rows. @internal */
export function linkSides(graph: RelationGraph, rows: RowSet): LinkSide[] {
  return graph.edges.flatMap(({ link, linkConditions, parent, child }) => {
    if (link.kind !== 'pivot') {
      return [];
    }
    const { table, polymorphicSide } = link;
    const sided = (side: string) => ({
      table,
      conditions: polymorphicSide === side ? linkConditions : [],
      isPolymorphic: polymorphicSide === side,
    });
    return [
      { ...sided('parent'), end: parent, columns: link.parentColumns, referenced: link.parentReferenced },
      { ...sided('child'), end: child, columns: link.childColumns, referenced: link.childReferenced },
    ].filter(({ end }) => rows.count(end) > 0);
  });
}
