import type { MikroORM } from '@mikro-orm/postgresql';
import { resolvePurgeOptions } from '../options/resolve-module-options.js';
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
 * @throws SoftDeleteConfigError if an option cannot work
 * @publicApi
 */
export function createPurge(orm: MikroORM<any>, options: Omit<PurgeOptions, 'cron' | 'timeZone'> = {}): PurgeService {
  return new PurgeService(orm, resolvePurgeOptions(options));
}
