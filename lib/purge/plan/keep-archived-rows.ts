import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { KeyReference, PurgeTable } from './key-graph.js';

/**
 * Has active rows of archived entities block what they point at, though the database would remove them along with it: they leave their
 * tables for the archive alone.
 *
 * @internal
 */
export function keepArchivedRows(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  references: readonly KeyReference[],
  tableOf: (meta: EntityMetadata) => PurgeTable | undefined,
): void {
  const tables = new Set([...em.getMetadata()].filter((meta) => catalog.findArchived(meta)).map(tableOf));
  references
    .filter(({ from, action }) => action === 'cascade' && tables.has(from))
    .forEach((key) => Object.assign(key, { action: 'none', isEnforced: false }));
}
