import type { MikroORM } from '@mikro-orm/postgresql';
import { findInstallation } from '../installation/installation.js';
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
 * What the options leave out is as `softDelete()` in the ORM's configuration says.
 *
 * @throws SoftDeleteConfigError if an option cannot work
 * @publicApi
 */
export function createPurge(
  orm: MikroORM<any>,
  options: Omit<PurgeOptions, 'cron' | 'timeZone' | 'engine'> = {},
): PurgeService {
  const configured = findInstallation(orm.em)?.configured.purge;
  return new PurgeService(orm, combinePurgeOptions(configured ?? {}, options));
}
