import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionRestriction } from '../errors/deletion-restriction.js';
import { isInheritance } from '../metadata/relations/key-relations.js';
import { tablesOf } from '../metadata/mapped-tables.js';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { ForeignKey, KeysTo } from '../postgres/foreign-key-facts.js';
import { STALE } from '../postgres/kept-facts.js';
import type { RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';
import { countBehind, countReferencing, type GoingRows, keysOnlyMapped, type Reference } from './count-references.js';
import { goesAlong } from './keys-to-rows.js';
import { type LinkSide, linkSides } from './link-sides.js';
import { lockLinks } from './lock-links.js';

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

/** How many rows one statement asks about by all keys at once, each of which is sent their keys. */
const AT_ONCE = 50_000;

/**
 * What else references rows that are about to be removed: by a foreign key, mapped or not, or by a relation of the ORM that has
 * none (polymorphic ones, `createForeignKeyConstraint: false`). Pivot rows go along, and what references those counts as well. One
 * statement, or one per key where the rows are many; and so for the pivot rows, where something can reference them.
 *
 * @param keys - those of `keysToRows()`
 * @internal
 */
export async function findReferences(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  rows: RowSet,
  keys: KeysTo,
): Promise<DeletionRestriction[] | typeof STALE> {
  const sides = linkSides(graph, rows);
  const references: Reference[] = [];
  for (const root of rows.entities()) {
    const enforced: ForeignKey[] = [];
    for (const table of tablesOf(em.getMetadata(), root)) {
      for (const key of keys.of(table)) {
        enforced.push(key);
        const { entity, fromColumns: columns, toColumns: referenced } = key;
        if (entity && isInheritance(entity, columns, table)) {
          continue;
        }
        if (entity?.pivotTable && (key.action === 'cascade' || isSide(sides, key))) {
          sides.push({ table: entity, columns, end: table, referenced, conditions: [], isPolymorphic: false });
        } else {
          references.push(countReferencing(em, table, key, rows, rows));
        }
      }
    }
    references.push(...keysOnlyMapped(graph.from(root), enforced).map((edge) => countBehind(em, edge, rows, rows)));
  }
  const direct = await count(em, ctx, references, rows, keys);
  if (direct === STALE) {
    return STALE;
  }
  const links = await lockLinks(em, ctx, graph, sides, rows, keys);
  const toLinks = referencesToLinks(em, graph, links, rows, keys);
  const behind = toLinks.length > 0 ? await count(em, ctx, toLinks, links, keys) : [];
  return behind === STALE ? STALE : [...direct, ...behind];
}

/** What references pivot rows that go along, or rows that the database removes with those. */
function referencesToLinks(
  em: EntityManager,
  graph: RelationGraph,
  links: RowSet,
  removed: RowSet,
  keys: KeysTo,
): Reference[] {
  const catalog = SoftDeleteCatalog.of(em);
  const going: GoingRows = { keys: (meta) => [...removed.keys(meta), ...links.keys(meta)] };
  return links.entities().flatMap((table) => {
    const enforced = keys.of(table);
    return [
      ...enforced
        .filter((key) => !goesAlong(key, catalog))
        .map((key) => countReferencing(em, table, key, links, going)),
      ...keysOnlyMapped(graph.from(table), enforced).map((edge) => countBehind(em, edge, links, going)),
    ];
  });
}

async function count(
  em: EntityManager,
  ctx: Transaction,
  references: readonly Reference[],
  rows: RowSet,
  { isFresh }: KeysTo,
): Promise<DeletionRestriction[] | typeof STALE> {
  const total = rows.entities().reduce((sum, root) => sum + rows.count(root), 0);
  const groups = total <= AT_ONCE ? [references] : references.map((reference) => [reference]);
  const restrictions: DeletionRestriction[] = [];
  for (const group of groups.length > 0 ? groups : [[]]) {
    const counts = group.map(({ sql }, i) => `select ${i}, (${sql})`);
    const found = await execute<{ position: number | null; count: number }>(
      em,
      ctx,
      [`select null::int as position, 0 as count where ${isFresh.sql}`, ...counts].join(' union all '),
      [...isFresh.params, ...group.flatMap(({ params }) => params)],
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

/** Whether the key is one of the two by which a pivot table links rows. */
function isSide(sides: readonly LinkSide[], { entity, fromColumns }: ForeignKey): boolean {
  return sides.some(
    (side) =>
      side.table === entity &&
      side.columns.length === fromColumns.length &&
      fromColumns.every((column) => side.columns.includes(column)),
  );
}
