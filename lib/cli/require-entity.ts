import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ArchivedEntityMetadata } from '../metadata/archived-entity.js';
import { SoftDeleteCatalog, type SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { closestName } from '../options/closest-name.js';
import { CliError } from './cli.error.js';

/**
 * The soft-deletable entity of a name that somebody typed, whatever its strategy.
 *
 * @throws CliError if there is none, with the name that was probably meant
 * @internal
 */
export function requireEntity(em: EntityManager, name: string): SoftDeletableEntityMetadata | ArchivedEntityMetadata {
  const catalog = SoftDeleteCatalog.of(em);
  const marked = catalog.allMarked();
  return requireNamed('not a soft-deletable entity', marked, ({ meta }) => meta.className, name);
}

/** The same for any entity. @internal */
export function requireMapped(em: EntityManager, name: string): EntityMetadata {
  const metas = [...em.getMetadata()].filter(({ pivotTable, embeddable }) => !pivotTable && !embeddable);
  return requireNamed('no entity', metas, ({ className }) => className, name);
}

function requireNamed<Entity>(
  what: string,
  entities: readonly Entity[],
  nameOf: (entity: Entity) => string,
  name: string,
): Entity {
  const found = entities.find((entity) => nameOf(entity) === name);
  if (found) {
    return found;
  }
  const known = entities.map(nameOf).sort();
  const meant = closestName(name, known);
  throw new CliError(
    `${name} is ${what} of this configuration. ${meant ? `Did you mean ${meant}?` : `There are: ${known.join(', ') || 'none'}.`}`,
  );
}
