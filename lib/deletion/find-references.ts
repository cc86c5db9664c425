import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import type { RelationEdge } from '../metadata/relation-edge.js';
import { primaryColumns, type RelationGraph } from '../metadata/relation-graph.js';
import { tableName } from '../sql/table-name.js';
import type { ForeignKey, ForeignKeyFacts, KeysTo } from '../postgres/foreign-key-facts.js';
import { STALE } from '../postgres/kept-facts.js';
import type { SqlFragment } from '../sql/row-condition-sql.js';
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
export function refuseReferenced(meta: EntityMetadata, restrictions: readonly DeletionRestriction[]): void {
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(meta.className, restrictions, HARD_DELETE_ADVICE);
  }
}

/** The foreign keys that point at the rows, as far as they are known. @internal */
export function keysToRows(em: EntityManager, facts: ForeignKeyFacts, rows: RowSet): KeysTo {
  return facts.keysTo(
    em,
    rows.entities().flatMap((root) => tablesOf(em, root)),
  );
}

/** What references rows, as SQL that counts it. */
interface Reference extends SqlFragment {
  readonly relation: string;
  readonly entity: string;
}

/** How many rows one statement asks about by all keys at once, each of which is sent their keys. */
const AT_ONCE = 50_000;

/**
 * What else references rows that are about to be removed: by a foreign key, mapped or not, or by a relation of the ORM that has
 * none (polymorphic ones, `createForeignKeyConstraint: false`). Pivot rows go along. One statement, or one per key where the rows are
 * many.
 *
 * @internal
 */
export async function findReferences(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
  keys: KeysTo,
): Promise<DeletionRestriction[] | typeof STALE> {
  const references = rows.entities().flatMap((root) => {
    const enforced = tablesOf(em, root).flatMap((table) => keys.of(table).map((key) => ({ table, key })));
    return [
      ...enforced.flatMap(({ table, key }) => countReferencing(em, table, key, rows) ?? []),
      ...keysOnlyMapped(
        graph.from(root),
        enforced.map(({ key }) => key),
      ).map((edge) => countBehind(em, edge, rows)),
    ];
  });
  const total = rows.entities().reduce((sum, root) => sum + rows.count(root), 0);
  const groups = total <= AT_ONCE ? [references] : references.map((reference) => [reference]);
  const restrictions: DeletionRestriction[] = [];
  for (const group of groups.length > 0 ? groups : [[]]) {
    const counts = group.map(({ sql }, i) => `select ${i}, (${sql})`);
    const found = await execute<{ position: number | null; count: number }>(
      em,
      ctx,
      [`select null::int as position, 0 as count where ${keys.isFresh.sql}`, ...counts].join(' union all '),
      [...keys.isFresh.params, ...group.flatMap(({ params }) => params)],
    );
    if (!found.some(({ position }) => position === null)) {
      return STALE;
    }
    for (const { position, count } of found) {
      if (position !== null && count > 0) {
        const { relation, entity } = group[position]!;
        restrictions.push({ relation, entity, count });
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

function countBehind(em: EntityManager, edge: RelationEdge, rows: RowSet): Reference {
  const relation = relationSql(em, edge);
  const referenced = keyConditionSql(em, edge.parent, 'p', rows.keys(edge.parent));
  const going = rows.keys(edge.child);
  const others = going.length > 0 ? keyConditionSql(em, edge.child, 'c', going) : undefined;
  return {
    relation: edge.name,
    entity: edge.child.className,
    sql:
      `select count(*)::int ` +
      `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[referenced.sql, ...relation.conditions, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    params: [...referenced.params, ...relation.params, ...(others?.params ?? [])],
  };
}

/** Rows of the table that holds the key, other than those that go as well. */
function countReferencing(
  em: EntityManager,
  table: EntityMetadata,
  key: ForeignKey,
  rows: RowSet,
): Reference | undefined {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  if (key.entity?.pivotTable || (key.entity && isInheritance(key.entity, table, key))) {
    return undefined;
  }
  const referenced = keyConditionSql(em, table, 'p', rows.keys(table));
  const going = key.entity ? rows.keys(key.entity) : [];
  const others = key.entity && going.length > 0 ? keyConditionSql(em, key.entity, 'c', going) : undefined;
  const on = key.fromColumns.map((column, i) => `c.${quote(column)} = p.${quote(key.toColumns[i]!)}`);
  return {
    relation: key.constraint,
    entity: key.entity?.className ?? key.from.label,
    sql:
      `select count(*)::int from ${key.from.name} as c join ${tableName(em, table)} as p on ${on.join(' and ')} ` +
      `where ${[referenced.sql, ...(others ? [`not (${others.sql})`] : [])].join(' and ')}`,
    params: [...referenced.params, ...(others?.params ?? [])],
  };
}

/** Whether the key joins the tables of one row of a table-per-type hierarchy. */
function isInheritance(entity: EntityMetadata, table: EntityMetadata, { fromColumns }: ForeignKey): boolean {
  const key = primaryColumns(entity);
  return Boolean(entity.tptParent) && entity.root === table.root && fromColumns.every((column) => key.includes(column));
}
