import type { IDatabaseDriver, MikroORM } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { showValue } from './errors/text/show-value.js';
import { SoftDeleteConfigError } from './errors/soft-delete-config.error.js';
import type { EntityManagerClass } from './installation/orm-parts.js';
import { resolveModuleOptions } from './options/resolve-module-options.js';
import type { SoftDeleteModuleOptions } from './options/soft-delete-module-options.js';
import { aroundFirstEntityManager } from './orm/around-first-entity-manager.js';
import { refuseLateDiscovery } from './orm/refuse-late-discovery.js';
import { requireSupportedOrm } from './orm/require-supported-orm.js';
import { prepareOrm } from './prepare-orm.js';

/**
 * An extension of a MikroORM configuration.
 *
 * @publicApi
 */
export interface SoftDeleteExtension {
  /** Called by the ORM, in its constructor. */
  register(orm: MikroORM): void;
}

/** The ORMs that have the extension. */
const registered = new WeakSet<IDatabaseDriver>();

/**
 * Soft deletion as an extension of MikroORM. It is installed before the ORM has an entity manager, so the application, the ORM's own
 * command line, seeders, scripts and the `soft-delete` command all behave the same.
 *
 * ```ts
 * export default defineConfig({ entities: [User], extensions: [softDelete({ purge: { retention: '90d' } })] });
 * ```
 *
 * @param options - the options of `SoftDeleteModule.forRoot()`, which may set what you leave out here
 * @throws SoftDeleteConfigError if an option cannot work
 * @publicApi
 */
export function softDelete(options: SoftDeleteModuleOptions = {}): SoftDeleteExtension {
  resolveModuleOptions(options);
  return { register: (orm) => register(orm, options) };
}

function register(orm: MikroORM, options: SoftDeleteModuleOptions): void {
  const { config, driver } = orm;
  const contextName = config.get('contextName');
  if (options.contextName !== undefined && options.contextName !== contextName) {
    throw new SoftDeleteConfigError(
      'contextName',
      `softDelete() names ${showValue(options.contextName)}, but it is an extension of the ORM ${showValue(contextName)}.`,
      'Leave it out: an extension belongs to the configuration that lists it.',
    );
  }
  if (registered.has(driver)) {
    throw new SoftDeleteConfigError(
      'extensions',
      `the configuration of the ORM ${showValue(contextName)} has softDelete() twice.`,
      'Keep one of them, with the options of both.',
    );
  }
  registered.add(driver);
  requireSupportedOrm({ config, getDriver: () => driver });

  aroundFirstEntityManager(driver, (create) => {
    const prepared = prepareOrm(
      {
        config,
        getDriver: () => driver,
        getPlatform: () => driver.getPlatform(),
        getMetadata: () => driver.getMetadata(),
      },
      options,
    );
    const Extended = prepared.extend(config.get('entityManager', EntityManager) as EntityManagerClass);
    const em = create();
    if (!(em instanceof Extended)) {
      prepared.adopt(em);
    }
    prepared.complete(em);
    refuseLateDiscovery(orm);
    return em;
  });
}
