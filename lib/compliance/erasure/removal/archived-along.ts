import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { takesAlong } from '../../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import type { RowKey, RowSet } from '../../../sql/row-set.js';
import type { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import { archivedBehind } from '../graph/archived-rows.js';
import type { HeldRows } from '../graph/find-held.js';
import { isArchiveUsed } from '../graph/is-archive-used.js';
import type { PersonalRow, PersonalRows } from '../graph/personal-rows.js';

interface AlongContext {
  readonly catalog: SoftDeleteCatalog;
  readonly personal: PersonalDataCatalog;
  readonly rows: PersonalRows;
  readonly held: HeldRows;
}

/**
 * The archived rows behind `cascade` relations of rows that go, of which no declaration speaks. In a table they would go along; nobody
 * could restore them any more.
 *
 * @param going - the rows in tables
 * @param snapshots - those in the archive
 * @internal
 */
export async function archivedAlong(
  em: EntityManager,
  ctx: Transaction,
  going: RowSet,
  snapshots: readonly PersonalRow[],
  { catalog, personal, rows, held }: AlongContext,
): Promise<PersonalRow[]> {
  if (!(await isArchiveUsed(em, ctx))) {
    return [];
  }
  const found = new Set<PersonalRow>();
  let level = new Map<EntityMetadata, { key: RowKey }[]>(Map.groupBy(snapshots, ({ root }) => root));
  for (const root of going.entities()) {
    level.set(root, [...(level.get(root) ?? []), ...going.keys(root).map((key) => ({ key }))]);
  }
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, inFront] of level) {
      const relations = catalog.graph
        .from(root)
        .filter((each) => takesAlong(each) && !catalog.find(each.child) && personal.of(each.child).length === 0);
      for (const relation of relations) {
        const { root: behind } = relation.child;
        for (const { key, unit } of await archivedBehind(em, ctx, relation, inFront)) {
          const row = rows.row(behind, key, unit);
          const isHeld = held.inTables.has(behind, key) || held.inArchive.some((each) => each.has(behind, key, unit));
          if (!found.has(row) && !isHeld) {
            found.add(row);
            next.set(behind, [...(next.get(behind) ?? []), row]);
          }
        }
      }
    }
    level = next;
  }
  return [...found];
}
