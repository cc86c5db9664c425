import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { withActiveSnapshot } from './unloaded-links.js';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

/**
 * Lets a flush finish its deletions after its inserts and updates and before its commit. The ORM has no event for this moment, but
 * it always synchronises collections there, through the driver, even when there are none (`persistToDatabase` in
 * `UnitOfWork.js`). Collections that the driver would settle by deleting rows it has not seen are settled softly instead,
 * and many-to-many ones without the links of deleted rows.
 *
 * @internal
 */
export function hookIntoDriver(em: EntityManager, subscriber: SoftDeleteSubscriber, catalog: SoftDeleteCatalog): void {
  const driver = em.getDriver();
  const syncCollections = driver.syncCollections.bind(driver);
  driver.syncCollections = async (collections, options) => {
    const state = subscriber.current(options?.ctx, options?.loggerContext?.['id']);
    const others = [...collections].filter((collection) => !state?.unloaded.has(collection));
    const settled = others.map((collection) => withActiveSnapshot(em, options?.ctx, collection, catalog));
    await syncCollections(await Promise.all(settled), options);
    if (state) {
      await subscriber.finish(state, options?.ctx);
    }
  };
}
