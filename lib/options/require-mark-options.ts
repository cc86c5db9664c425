import { parseRetention } from './duration.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';
import { requireType } from './require-type.js';
import type { SoftDeletableOptions } from './soft-deletable-options.js';

const KEYS = [
  'property',
  'deletedBy',
  'retention',
  'relations',
  'purgeIndex',
  'guard',
] satisfies (keyof SoftDeletableOptions)[];

/**
 * What can be said of a mark before the ORM knows the entity. It is said where the mark is made: the ORM's own commands write the
 * schema without ever installing soft deletion.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @internal
 */
export function requireMarkOptions(where: string, options: SoftDeletableOptions): void {
  refuseUnknownOptions(where, options, KEYS);
  requireType(`${where}, property`, options.property, 'string');
  requireType(`${where}, deletedBy`, options.deletedBy, 'string');
  requireType(`${where}, relations`, options.relations, 'object');
  requireType(`${where}, purgeIndex`, options.purgeIndex, 'boolean');
  requireType(`${where}, guard`, options.guard, 'boolean');
  if (options.retention !== undefined) {
    parseRetention(`${where}, retention`, options.retention);
  }
}
