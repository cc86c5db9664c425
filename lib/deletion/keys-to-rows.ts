import type { EntityManager } from '@mikro-orm/postgresql';
import { tablesOf } from '../metadata/mapped-tables.js';
import type { RelationGraph } from '../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { ForeignKey, ForeignKeyFacts, KeysTo } from '../postgres/foreign-key-facts.js';
import type { RowSet } from '../sql/row-set.js';
import { linkSides } from './link-sides.js';

/**
 * The foreign keys that point at rows about to be removed, at pivot rows that go along, and at what the database removes with those, as
 * far as they are known.
 *
 * @internal
 */
export function keysToRows(em: EntityManager, facts: ForeignKeyFacts, graph: RelationGraph, rows: RowSet): KeysTo {
  const catalog = SoftDeleteCatalog.of(em);
  const tables = rows.entities().flatMap((root) => tablesOf(em.getMetadata(), root));
  const known = facts.keysTo(em, tables);
  const links = new Set(linkSides(graph, rows).map(({ table }) => table));
  for (const { entity, action } of tables.flatMap((table) => known.of(table))) {
    if (entity?.pivotTable && action === 'cascade') {
      links.add(entity);
    }
  }
  for (const table of links) {
    known
      .of(table)
      .filter((key) => goesAlong(key, catalog))
      .forEach(({ entity }) => links.add(entity!));
  }
  return facts.keysTo(em, [...new Set([...tables, ...links])]);
}

/** Whether the database removes the rows that hold a key along with the pivot rows, or what goes with them, that it references. @internal */
export function goesAlong({ entity, action }: ForeignKey, catalog: SoftDeleteCatalog): boolean {
  return entity !== undefined && action === 'cascade' && !catalog.findMarked(entity);
}
