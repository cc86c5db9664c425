import type { EntityManager } from '@mikro-orm/postgresql';
import { checkArchivedEntities } from './archive/removal/check-archived-entities.js';
import { checkTenants } from './compliance/check-tenants.js';
import { attendOperations, requireRecords } from './compliance/attend-operations.js';
import { checkRelationConditions } from './deletion/check-relation-conditions.js';
import { registerFilter } from './filter/soft-delete.filter.js';
import { driverHooks } from './flush/driver-hooks.js';
import { SoftDeleteSubscriber } from './flush/soft-delete.subscriber.js';
import { createInstallation } from './installation/installation.js';
import type { EntityManagerClass, OrmParts } from './installation/orm-parts.js';
import type { SoftDeleteModuleOptions } from './options/soft-delete-module-options.js';
import { attendFlushes } from './orm/attend-flushes.js';
import { attendedEntityManager } from './orm/attended-entity-manager.js';
import { compareExactOffsets } from './orm/loading/exact-offsets.js';
import { hookIntoDriver } from './orm/hook-into-driver.js';
import { requireSupportedOrm } from './orm/require-supported-orm.js';
import { scopeLoading } from './orm/loading/scope-loading.js';
import { scopedEntityManager } from './orm/scoped-entity-manager.js';
import { scopeDriver } from './orm/scoped-driver.js';
import { pagingEntityManager } from './repository/paging-entity-manager.js';
import { provideRepositories } from './repository/provide-repositories.js';
import { softWritingEntityManager } from './repository/soft-writing-entity-manager.js';
import { guardHeldRows } from './schema/guard-held-rows.js';
import { orderUniqueChanges } from './schema/order-unique-changes.js';

/** An ORM in whose configuration soft deletion is installed, and what its entity managers need. @internal */
export interface PreparedOrm {
  /** Has all entity managers that the ORM is going to make be of a subclass of the given one, which it returns. */
  extend(Base: EntityManagerClass): EntityManagerClass;
  /** Makes an entity manager that exists already one of that subclass. */
  adopt(em: EntityManager): void;
  /** Installs what an entity manager is needed for. */
  complete(em: EntityManager): void;
}

/**
 * Installs soft deletion in an ORM's configuration, metadata and driver, from which the ORM makes its entity managers.
 *
 * @param root - the ORM's entity manager, if it exists already
 * @throws SoftDeleteConfigError if a mark on an entity cannot work, or the driver is not the one of PostgreSQL
 * @throws UnsupportedOrmVersionError if this package does not support the version of MikroORM
 * @internal
 */
export function prepareOrm(orm: OrmParts, configured: SoftDeleteModuleOptions, root?: EntityManager): PreparedOrm {
  requireSupportedOrm(orm);
  requireRecords(orm, configured);
  const { config } = orm;
  const installation = createInstallation(orm, configured);
  const { catalog } = installation;
  checkTenants(orm, catalog);
  checkArchivedEntities(orm.getMetadata(), catalog);
  attendOperations(installation, orm);
  registerFilter(orm, installation);
  orderUniqueChanges(orm.getMetadata(), catalog, orm.getPlatform());
  provideRepositories(orm, catalog, root);
  scopeDriver(orm, installation);
  compareExactOffsets(orm, catalog);
  const subscriber = new SoftDeleteSubscriber(installation);
  config.set('subscribers', [...config.get('subscribers'), subscriber]);

  const extend = (Base: EntityManagerClass): EntityManagerClass => {
    const reading = pagingEntityManager(scopedEntityManager(Base, installation), catalog);
    const writing = softWritingEntityManager(reading, catalog);
    const Extended = attendedEntityManager(writing, subscriber);
    config.set('entityManager', Extended as never);
    return Extended;
  };
  return {
    extend,
    adopt(em) {
      Object.setPrototypeOf(em, extend(em.constructor as EntityManagerClass).prototype);
      scopeLoading(em, installation);
      em.getEventManager().registerSubscriber(subscriber);
      attendFlushes(em.getEventManager(), subscriber);
    },
    complete(em) {
      checkRelationConditions(em, catalog.graph);
      guardHeldRows(em, installation);
      hookIntoDriver(em, driverHooks(em, subscriber, catalog));
    },
  };
}
