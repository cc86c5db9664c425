import { helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { readAgain } from './read-again.js';
import { resetUnsavedChanges } from './repair-references.js';

/**
 * Resets what was removed though it is deleted already: it stays as its row is. A collection that lets go of a deleted entity has
 * cleared its foreign key in memory.
 *
 * @internal
 */
export async function forgetChangesOfDeleted(
  em: EntityManager,
  entities: ReadonlySet<object>,
  catalog: SoftDeleteCatalog,
): Promise<void> {
  for (const entity of entities) {
    const names = resetUnsavedChanges(em, entity, { ...helper(entity).__originalEntityData });
    if (names.size > 0) {
      const { meta } = catalog.get(metadataOf(em, entity));
      await readAgain(em, em.getTransactionContext(), meta, new Map([[entity, names]]));
    }
  }
}
