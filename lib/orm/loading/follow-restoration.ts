import { type EntityMetadata, helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { nullValue } from '../../metadata/null-value.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * Tells an entity that is held as deleted that its row has been read as active: someone else has restored it. The ORM takes over
 * what it reads for an entity it holds, but no null in the place of a value (`mergeData` in `EntityFactory.js`), so that the
 * entity would be handed out as active and say that it is deleted.
 *
 * @internal
 */
export function followRestoration(
  em: EntityManager,
  entity: object,
  meta: EntityMetadata,
  data: object,
  catalog: SoftDeleteCatalog,
): void {
  const property = catalog.find(meta)?.property;
  if (property === undefined || (data as Record<string, unknown>)[property] !== null) {
    return;
  }
  const original = helper(entity).__originalEntityData as Record<string, unknown> | undefined;
  if (original?.[property] != null) {
    (entity as Record<string, unknown>)[property] = nullValue(em);
    original[property] = nullValue(em);
  }
}
