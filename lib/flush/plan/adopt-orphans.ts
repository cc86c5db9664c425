import { helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { lenders } from '../../installation/outer-managers.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * Takes over the orphans that were scheduled with a manager whose entities this one has borrowed. A collection schedules its orphans
 * with the manager that has loaded them (`remove` in `Collection.js`), so that a transaction would only write null into their foreign
 * keys, and the manager outside of it would delete rows later that have lost what they belonged to.
 *
 * @internal
 */
export function adoptOrphans(em: EntityManager, catalog: SoftDeleteCatalog): void {
  const own = em.getUnitOfWork(false);
  for (const lender of lenders(em)) {
    const scheduled = lender.getUnitOfWork(false).getOrphanRemoveStack() as Set<object>;
    if (scheduled.size === 0) {
      continue;
    }
    const borrowed = new Set<object>(own.getIdentityMap().values());
    for (const orphan of scheduled) {
      const meta = metadataOf(catalog, orphan);
      const property = catalog.find(meta)?.property;
      const original = helper(orphan).__originalEntityData as Record<string, unknown> | undefined;
      // What was scheduled before the transaction began is known to both.
      const isKnown = own.getOrphanRemoveStack().has(orphan);
      const isActive = property === undefined || original?.[property] == null;
      if (catalog.findMarked(meta) && borrowed.has(orphan) && !isKnown && isActive) {
        scheduled.delete(orphan);
        own.getOrphanRemoveStack().add(orphan);
      }
    }
  }
}
