import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { checkRelationConditions } from './deletion/check-relation-conditions.js';
import { scopeDriver } from './orm/scoped-driver.js';
import { scopeEntityManager } from './orm/scoped-entity-manager.js';
import { registerFilter } from './filter/soft-delete.filter.js';
import { attendEveryFlush } from './flush/attend-every-flush.js';
import { hookIntoDriver } from './flush/driver-hook.js';
import { SoftDeleteSubscriber } from './flush/soft-delete.subscriber.js';
import { createInstallation, findInstallation } from './installation/installation.js';
import { requireSupportedOrm } from './orm/require-supported-orm.js';
import type { InstallSoftDeleteOptions } from './options/soft-delete-module-options.js';
import { refuseUnknownOptions } from './options/refuse-unknown-options.js';
import { requireType } from './options/require-type.js';
import { provideRepositories } from './repository/provide-repositories.js';
import { makeWritesSoft } from './repository/soft-writing.js';
import { orderUniqueChanges } from './schema/order-unique-changes.js';

/**
 * Makes an ORM soft-delete its marked entities: registers the filter of active rows, turns removals through the unit of work
 * into soft deletions and lets to-one relations keep resolving. `SoftDeleteModule.forRoot()` calls it; scripts, seeders and
 * workers call it themselves, once, right after `MikroORM.init()`. Calling it again only replaces the options given.
 *
 * @throws SoftDeleteConfigError if an option or a mark on an entity cannot work, or the driver is not the one of PostgreSQL
 * @throws UnsupportedOrmVersionError if this package does not support the version of MikroORM
 * @publicApi
 */
export function installSoftDelete(orm: MikroORM<any>, options: InstallSoftDeleteOptions = {}): void {
  refuseUnknownOptions('installSoftDelete()', options, ['actor']);
  requireType('installSoftDelete(), actor', options.actor, 'function');
  const em = orm.em as EntityManager;
  const existing = findInstallation(em);
  if (existing) {
    existing.actor = options.actor ?? existing.actor;
    return;
  }
  requireSupportedOrm(em);
  const installation = createInstallation(em, options.actor ?? (() => undefined));
  checkRelationConditions(em, installation.catalog.graph);
  registerFilter(em, installation);
  orderUniqueChanges(em.getMetadata(), installation.catalog, em.getPlatform());
  provideRepositories(em, installation.catalog);
  scopeDriver(em, installation);
  scopeEntityManager(em, installation);
  makeWritesSoft(em, installation.catalog);
  const subscriber = new SoftDeleteSubscriber(installation);
  em.config.set('subscribers', [...em.config.get('subscribers'), subscriber]);
  em.getEventManager().registerSubscriber(subscriber);
  attendEveryFlush(em, subscriber);
  hookIntoDriver(em, subscriber, installation.catalog);
}
