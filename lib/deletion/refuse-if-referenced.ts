import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import type { RelationEdge } from '../metadata/relation-edge.js';
import { primaryColumns, type RelationGraph } from '../metadata/relation-graph.js';
import { tableName } from '../sql/table-name.js';
import { findForeignKeys, type ForeignKey } from '../postgres/find-foreign-keys.js';
import { relationSql } from '../sql/relation-sql.js';
import { keyConditionSql, type RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/** `keep` is of no help here: what is kept would refer to nothing. */
const HARD_DELETE_ADVICE =
  "Remove these rows first (hardDelete() of deleted ones too), point them elsewhere, or declare the relation as 'cascade'.";

/**
 * Refuses the physical removal of rows that others reference.
 *
 * @throws DeletionRestrictedError naming every such key and relation
 * @internal
 */
export async function refuseIfReferenced(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<void> {
  const restrictions = await findReferences(em, ctx, graph, rows);
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(meta.className, restrictions, HARD_DELETE_ADVICE);
  }
}

/**
 * What else references rows that are about to be removed: by a foreign key, mapped or not, or by a relation of the ORM that has
 * none (polymorphic ones, `createForeignKeyConstraint: false`). Pivot rows go along.
 *
 * @internal
 */
export async function findReferences(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
): Promise<DeletionRestriction[]> {
  const restrictions: DeletionRestriction[] = [];
  for (const root of rows.entities()) {
    const enforced: ForeignKey[] = [];
    for (const table of tablesOf(em, root)) {
      for (const key of await findForeignKeys(em, ctx, table)) {
        enforced.push(key);
        const count = await countReferencing(em, ctx, table, key, rows);
        if (count > 0) {
          restrictions.push({ relation: key.name, entity: key.entity?.className ?? key.table, count });
        }
      }
    }
    for (const edge of keysOnlyMapped(graph.from(root), enforced)) {
      const count = await countBehind(em, ctx, edge, rows);
      if (count > 0) {
        restrictions.push({ relation: edge.name, entity: edge.child.className, count });
      }
    }
  }
  return restrictions;
}

/** More than one in a table-per-type hierarchy. */
function tablesOf(em: EntityManager, root: EntityMetadata): EntityMetadata[] {
  return [root, ...[...em.getMetadata()].filter((meta) => meta !== root && meta.root === root && meta.tptParent)];
}

/** One relation for each key that the database does not know. */
function keysOnlyMapped(edges: readonly RelationEdge[], enforced: readonly ForeignKey[]): RelationEdge[] {
  const keys = new Map<string, RelationEdge>();
  for (const edge of edges) {
    const { link, linkConditions } = edge;
    if (link.kind !== 'child-key' || link.table.pivotTable) {
      continue;
    }
    const isKnown = enforced.some(
      ({ entity, columns }) =>
        entity?.tableName === link.table.tableName &&
        columns.length === link.columns.length &&
        columns.every((column) => link.columns.includes(column)),
    );
    if (!isKnown) {
      const every = { ...edge, members: { parent: [], child: [] }, except: [] };
      keys.set(JSON.stringify([link.table._id, link.columns, linkConditions]), every);
    }
  }
  return [...keys.values()];
}

async function countBehind(em: EntityManager, ctx: Transaction, edge: RelationEdge, rows: RowSet): Promise<number> {
  const relation = relationSql(em, edge);
  const referenced = keyConditionSql(em, edge.parent, 'p', rows.keys(edge.parent));
  const going = rows.keys(edge.child);
  const others = going.length > 0 ? keyConditionSql(em, edge.child, 'c', going) : undefined;
  const [row] = await execute<{ count: number }>(
    em,
    ctx,
    `select count(*)::int as count ` +
      `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[referenced.sql, ...relation.conditions, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    [...referenced.params, ...relation.params, ...(others?.params ?? [])],
  );
  return row!.count;
}

/** Rows of the table that holds the key, other than those that go as well. */
async function countReferencing(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  key: ForeignKey,
  rows: RowSet,
): Promise<number> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  if (key.entity?.pivotTable || (key.entity && isInheritance(key.entity, table, key))) {
    return 0;
  }
  const referenced = keyConditionSql(em, table, 'p', rows.keys(table));
  const going = key.entity ? rows.keys(key.entity) : [];
  const others = key.entity && going.length > 0 ? keyConditionSql(em, key.entity, 'c', going) : undefined;
  const on = key.columns.map((column, i) => `c.${quote(column)} = p.${quote(key.referenced[i]!)}`);
  const [row] = await execute<{ count: number }>(
    em,
    ctx,
    `select count(*)::int as count from ${key.table} as c join ${tableName(em, table)} as p on ${on.join(' and ')} ` +
      `where ${[referenced.sql, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    [...referenced.params, ...(others?.params ?? [])],
  );
  return row!.count;
}

/** Whether the key joins the tables of one row of a table-per-type hierarchy. */
function isInheritance(entity: EntityMetadata, table: EntityMetadata, { columns }: ForeignKey): boolean {
  const key = primaryColumns(entity);
  return Boolean(entity.tptParent) && entity.root === table.root && columns.every((column) => key.includes(column));
}
