import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { DeletionOptions } from './soft-delete-rows.js';

/**
 * @throws SoftDeleteConfigError if an option of a deletion is unknown or of the wrong type
 * @internal
 */
export function requireDeletionOptions(where: string, options: DeletionOptions): DeletionOptions {
  refuseUnknownOptions(where, options, ['reason', 'actor', 'filters']);
  requireType(`${where}, reason`, options.reason, 'string');
  requireType(`${where}, actor`, options.actor, 'string');
  return options;
}
