import { ChangeSetType, helper, type UnitOfWork } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, type DeletionRestriction } from '../errors/deletion-restricted.error.js';
import { metadataOf } from '../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/**
 * Refuses a flush in which the database would remove soft-deletable rows: a row that is not soft-deletable is deleted, and a
 * foreign key with `on delete cascade` points at it from soft-deletable ones, active or deleted. Asks the database only where the
 * model has such a key.
 *
 * @throws DeletionRestrictedError naming every such relation
 * @internal
 */
export async function refusePhysicalCascade(
  em: EntityManager,
  uow: UnitOfWork,
  catalog: SoftDeleteCatalog,
): Promise<void> {
  const removed = uow
    .getChangeSets()
    .filter(({ type }) => type === ChangeSetType.DELETE || type === ChangeSetType.DELETE_EARLY)
    .map(({ entity }) => entity as object);
  const restrictions: DeletionRestriction[] = [];
  for (const [meta, entities] of Map.groupBy(removed, (entity) => metadataOf(em, entity).root)) {
    for (const { name, child, link } of catalog.graph.from(meta)) {
      if (link.kind !== 'child-key' || link.deleteRule !== 'cascade' || !catalog.find(child)) {
        continue;
      }
      const keys = entities.map((entity) => helper(entity).getPrimaryKey());
      const count = await em.count<any>(child.class, { [link.property]: { $in: keys } }, {
        // The database asks no filter, ours or the application's.
        filters: false,
        flushMode: 'commit',
      } as never);
      if (count > 0) {
        restrictions.push({ relation: name, entity: child.className, count });
      }
    }
  }
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(
      metadataOf(em, removed[0]!).className,
      restrictions,
      'The foreign key would remove them physically. Make the entity soft-deletable, remove the rows with hardDelete() first, or change the key’s deleteRule.',
    );
  }
}
