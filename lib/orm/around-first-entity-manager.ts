import type { IDatabaseDriver } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Does work around the making of an ORM's first entity manager. Extensions are called before discovery. The ORM then makes its entity
 * manager through the driver, at the end of `MikroORM.init()` as in `new MikroORM()` (`createEntityManager` in `MikroORM.js`): by that
 * time the metadata is complete, whatever listens to the discovery and whatever other extensions have set is in the configuration, and
 * no entity manager exists.
 *
 * @internal
 */
export function aroundFirstEntityManager(
  driver: IDatabaseDriver,
  work: (create: () => EntityManager) => EntityManager,
): void {
  const createEntityManager = driver.createEntityManager;
  driver.createEntityManager = (...args) => {
    driver.createEntityManager = createEntityManager;
    return work(() => driver.createEntityManager(...args) as EntityManager) as never;
  };
}
