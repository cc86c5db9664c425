import type { FilterOptions } from '@mikro-orm/core';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';

/** What deletions and restorations alike can be told. */
interface CommonOptions {
  readonly reason?: string;
  readonly actor?: string;
  readonly filters?: FilterOptions;
  readonly dryRun?: boolean;
}

/**
 * @throws SoftDeleteConfigError if an option of a deletion or restoration is unknown or of the wrong type
 * @internal
 */
export function requireDeletionOptions<Options extends CommonOptions>(
  where: string,
  options: Options,
  others: readonly string[] = [],
): Options {
  refuseUnknownOptions(where, options, ['reason', 'actor', 'filters', 'dryRun', ...others]);
  requireType(`${where}, reason`, options.reason, 'string');
  requireType(`${where}, actor`, options.actor, 'string');
  requireType(`${where}, dryRun`, options.dryRun, 'boolean');
  return options;
}
