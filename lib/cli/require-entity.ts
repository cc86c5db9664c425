import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog, type SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { closestName } from '../options/closest-name.js';
import { CliError } from './cli.error.js';

/**
 * The soft-deletable entity of a name that somebody typed.
 *
 * @throws CliError if there is none, with the name that was probably meant
 * @internal
 */
export function requireEntity(em: EntityManager, name: string): SoftDeletableEntityMetadata {
  const entries = SoftDeleteCatalog.of(em).all();
  const found = entries.find(({ meta }) => meta.className === name);
  if (found) {
    return found;
  }
  const known = entries.map(({ meta }) => meta.className).sort();
  const meant = closestName(name, known);
  throw new CliError(
    `${name} is not a soft-deletable entity of this configuration. ${meant ? `Did you mean ${meant}?` : `There are: ${known.join(', ') || 'none'}.`}`,
  );
}
