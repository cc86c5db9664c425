import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import type { ForeignKey } from '../postgres/foreign-key-facts.js';
import { relationSql } from '../sql/relation-sql.js';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { keyConditionSql, type RowKey } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';

/** Rows that are about to be removed: those that are referenced, and all others that go with them. @internal */
export interface GoingRows {
  keys(meta: EntityMetadata): RowKey[];
}

/** What references rows, as SQL that counts it. @internal */
export interface Reference extends SqlFragment {
  readonly relation: string;
  readonly entity: string;
}

/** One relation for each key that the database does not know. @internal */
export function keysOnlyMapped(edges: readonly GraphRelation[], enforced: readonly ForeignKey[]): GraphRelation[] {
  const keys = new Map<string, GraphRelation>();
  for (const edge of edges) {
    const { link, linkConditions } = edge;
    if (link.kind !== 'child-key' || link.table.pivotTable) {
      continue;
    }
    const isKnown = enforced.some(
      ({ entity, fromColumns }) =>
        entity?.tableName === link.table.tableName &&
        fromColumns.length === link.columns.length &&
        fromColumns.every((column) => link.columns.includes(column)),
    );
    if (!isKnown) {
      const every = { ...edge, members: { parent: [], child: [] }, except: [] };
      keys.set(JSON.stringify([link.table._id, link.columns, linkConditions]), every);
    }
  }
  return [...keys.values()];
}

/** Rows behind a relation, other than those that go as well. @internal */
export function countBehind(em: EntityManager, edge: GraphRelation, removed: GoingRows, going: GoingRows): Reference {
  const relation = relationSql(em, edge);
  const referenced = keyConditionSql(em, edge.parent, 'p', removed.keys(edge.parent));
  const others = otherThan(em, edge.child, going);
  return {
    relation: edge.name,
    entity: edge.child.className,
    sql:
      `select count(*)::int ` +
      `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[referenced.sql, ...relation.conditions, ...others.conditions].join(' and ')}`,
    params: [...referenced.params, ...relation.params, ...others.params],
  };
}

/** Rows of the table that holds a key, other than those that go as well. @internal */
export function countReferencing(
  em: EntityManager,
  table: EntityMetadata,
  key: ForeignKey,
  removed: GoingRows,
  going: GoingRows,
): Reference {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const referenced = keyConditionSql(em, table, 'p', removed.keys(table));
  const others = otherThan(em, key.entity, going);
  const on = key.fromColumns.map((column, i) => `c.${quote(column)} = p.${quote(key.toColumns[i]!)}`);
  return {
    relation: key.constraint,
    entity: key.entity?.className ?? key.from.label,
    sql:
      `select count(*)::int from ${key.from.name} as c join ${tableName(em, table)} as p on ${on.join(' and ')} ` +
      `where ${[referenced.sql, ...others.conditions].join(' and ')}`,
    params: [...referenced.params, ...others.params],
  };
}

function otherThan(em: EntityManager, entity: EntityMetadata | undefined, going: GoingRows) {
  const keys = entity ? going.keys(entity) : [];
  if (keys.length === 0) {
    return { conditions: [], params: [] };
  }
  const { sql, params } = keyConditionSql(em, entity!, 'c', keys);
  return { conditions: [`not (${sql})`], params };
}
