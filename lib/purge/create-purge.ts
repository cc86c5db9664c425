import type { AnyOrm } from '../options/any-of-the-orm.js';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { findInstallation } from '../installation/installation.js';
import { hasComplianceTables } from '../metadata/compliance-tables.js';
import { combinePurgeOptions } from '../options/combine-module-options.js';
import type { PurgeOptions } from '../options/soft-delete-module-options.js';
import { PurgeService } from './purge.service.js';

/**
 * A purge without Nest, for scripts and workers. Nothing is scheduled: call `run()`.
 *
 * ```ts
 * const purge = createPurge(orm, { retention: '30d' });
 * const report = await purge.run();
 * ```
 *
 * Options that you leave out come from `softDelete()` in the ORM's configuration.
 *
 * @throws SoftDeleteConfigError if an option cannot work
 * @throws SoftDeleteNotInstalledError if the ORM has `complianceEntities()` and soft deletion is not installed on it
 * @publicApi
 */
export function createPurge(
  orm: AnyOrm,
  options: Omit<PurgeOptions, 'cron' | 'timeZone' | 'engine'> = {},
): PurgeService {
  const installation = findInstallation(orm.em);
  // Without it nothing would be recorded, and no hold respected.
  if (!installation && hasComplianceTables(orm.em)) {
    throw new SoftDeleteNotInstalledError(orm.config.get('contextName'));
  }
  return new PurgeService(orm, combinePurgeOptions(installation?.configured.purge ?? {}, options));
}
