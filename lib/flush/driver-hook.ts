import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

/**
 * Lets a flush finish its deletions after its inserts and updates and before its commit. The ORM has no event for this moment, but
 * it always synchronises collections there, through the driver, even when there are none (`persistToDatabase` in
 * `UnitOfWork.js`).
 *
 * @internal
 */
export function hookIntoDriver(em: EntityManager, subscriber: SoftDeleteSubscriber): void {
  const driver = em.getDriver();
  const syncCollections = driver.syncCollections.bind(driver);
  driver.syncCollections = async (collections, options) => {
    await syncCollections(collections, options);
    await subscriber.finish(options?.ctx, options?.loggerContext?.['id']);
  };
}
