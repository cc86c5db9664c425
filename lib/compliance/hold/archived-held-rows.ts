import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { hasArchive } from '../../archive/snapshot/archive-table.js';
import { getInstallation } from '../../installation/installation.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { identify, type RowKey, type RowSet } from '../../sql/row-set.js';
import { archivedBehind } from '../erasure/graph/archived-rows.js';

/** Rows in the archive, by the root of their hierarchy, key and unit. @internal */
export class ArchivedRows {
  readonly #names = new Set<string>();
  readonly #keys = new Set<string>();

  /** @returns whether it is new */
  add(root: EntityMetadata, key: RowKey, unit: string): boolean {
    const name = nameOf(root, key, unit);
    const isNew = !this.#names.has(name);
    this.#names.add(name);
    this.#keys.add(nameOf(root, key));
    return isNew;
  }

  /** @param unit - any unless given */
  has({ root }: EntityMetadata, key: RowKey, unit?: string): boolean {
    return unit === undefined ? this.#keys.has(nameOf(root, key)) : this.#names.has(nameOf(root, key, unit));
  }
}

function nameOf(root: EntityMetadata, key: RowKey, unit = ''): string {
  return `${root.className}:${identify(key)}@${unit}`;
}

/**
 * The archived rows that a hold covers along with the rows in tables: what lies behind held rows, archived ones included, by the keys that
 * they had.
 *
 * @param held - what the hold covers in tables, and the rows that it was placed on
 * @internal
 */
export async function archivedHeldRows(em: EntityManager, ctx: Transaction, held: RowSet): Promise<ArchivedRows> {
  const found = new ArchivedRows();
  if (!hasArchive(em)) {
    return found;
  }
  const catalog = SoftDeleteCatalog.of(em);
  const relations = [...catalog.graph.edges.filter(takesAlong), ...(getInstallation(em).personalRelations ?? [])];
  let level = new Map<EntityMetadata, readonly RowKey[]>(held.entities().map((root) => [root, held.keys(root)]));
  while (level.size > 0) {
    const next = new Map<EntityMetadata, RowKey[]>();
    for (const relation of relations.filter(({ child }) => !catalog.find(child))) {
      const { root } = relation.child;
      const inFront = (level.get(relation.parent.root) ?? []).map((key) => ({ key }));
      for (const { key, unit } of inFront.length > 0 ? await archivedBehind(em, ctx, relation, inFront) : []) {
        if (found.add(root, key, unit)) {
          next.set(root, [...(next.get(root) ?? []), key]);
        }
      }
    }
    level = next;
  }
  return found;
}
