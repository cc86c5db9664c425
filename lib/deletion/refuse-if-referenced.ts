import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { primaryColumns, type RelationGraph } from '../metadata/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { findForeignKeys, type ForeignKey } from '../postgres/find-foreign-keys.js';
import type { RowSet } from '../sql/row-set.js';
import { countBehind, countReferencing, type GoingRows, keysOnlyMapped } from './count-references.js';
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
 * none (polymorphic ones, `createForeignKeyConstraint: false`). Pivot rows go along, and what references those counts as well.
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
  const sides: LinkSide[] = linkSides(graph, rows);
  for (const root of rows.entities()) {
    const enforced: ForeignKey[] = [];
    for (const table of tablesOf(em, root)) {
      for (const key of await findForeignKeys(em, ctx, table)) {
        enforced.push(key);
        const { entity, columns, referenced } = key;
        if (entity && isInheritance(entity, table, key)) {
          continue;
        }
        if (entity?.pivotTable && (key.action === 'cascade' || isSide(sides, key))) {
          sides.push({ table: entity, columns, end: table, referenced, conditions: [], isPolymorphic: false });
          continue;
        }
        const count = await countReferencing(em, ctx, table, key, rows, rows);
        if (count > 0) {
          restrictions.push({ relation: key.name, entity: entity?.className ?? key.table, count });
        }
      }
    }
    for (const edge of keysOnlyMapped(graph.from(root), enforced)) {
      const count = await countBehind(em, ctx, edge, rows, rows);
      if (count > 0) {
        restrictions.push({ relation: edge.name, entity: edge.child.className, count });
      }
    }
  }
  return [...restrictions, ...(await findReferencesToLinks(em, ctx, graph, sides, rows))];
}

/** What references pivot rows that go along, or rows that the database removes with those. */
async function findReferencesToLinks(
  em: EntityManager,
  ctx: Transaction,
  graph: RelationGraph,
  sides: readonly LinkSide[],
  removed: RowSet,
): Promise<DeletionRestriction[]> {
  const { rows, keys } = await lockLinks(em, ctx, graph, sides, removed);
  const catalog = SoftDeleteCatalog.of(em);
  const going: GoingRows = { keys: (meta) => [...removed.keys(meta), ...rows.keys(meta)] };
  const restrictions: DeletionRestriction[] = [];
  for (const table of rows.entities()) {
    const enforced = keys.get(table) ?? [];
    for (const key of enforced) {
      const goesAlong = key.entity && key.action === 'cascade' && !catalog.find(key.entity);
      const count = goesAlong ? 0 : await countReferencing(em, ctx, table, key, rows, going);
      if (count > 0) {
        restrictions.push({ relation: key.name, entity: key.entity?.className ?? key.table, count });
      }
    }
    for (const edge of keysOnlyMapped(graph.from(table), enforced)) {
      const count = await countBehind(em, ctx, edge, rows, going);
      if (count > 0) {
        restrictions.push({ relation: edge.name, entity: edge.child.className, count });
      }
    }
  }
  return restrictions;
}

/** Whether the key is one of the two by which a pivot table links rows. */
function isSide(sides: readonly LinkSide[], { entity, columns }: ForeignKey): boolean {
  return sides.some(
    (side) =>
      side.table === entity &&
      side.columns.length === columns.length &&
      columns.every((column) => side.columns.includes(column)),
  );
}

/** More than one in a table-per-type hierarchy. */
function tablesOf(em: EntityManager, root: EntityMetadata): EntityMetadata[] {
  return [root, ...[...em.getMetadata()].filter((meta) => meta !== root && meta.root === root && meta.tptParent)];
}

/** Whether the key joins the tables of one row of a table-per-type hierarchy. */
function isInheritance(entity: EntityMetadata, table: EntityMetadata, { columns }: ForeignKey): boolean {
  const key = primaryColumns(entity);
  return Boolean(entity.tptParent) && entity.root === table.root && columns.every((column) => key.includes(column));
}
