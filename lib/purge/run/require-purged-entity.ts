import type { AnyEntityName } from '../../options/any-of-the-orm.js';
import { NotSoftDeletableError } from '../../errors/not-soft-deletable.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * The name of an entity that a run is asked for.
 *
 * @throws SoftDeleteConfigError if it is none
 * @throws NotSoftDeletableError if it is not marked
 * @internal
 */
export function requirePurgedEntity(catalog: SoftDeleteCatalog, entity: AnyEntityName | string): string {
  if (typeof entity !== 'string') {
    if (!entity || !['function', 'object'].includes(typeof entity)) {
      throw new SoftDeleteConfigError(
        'entities',
        `${showValue(entity)} is not an entity.`,
        'Write classes, schemas or their names. An undefined item usually comes from a circular import.',
      );
    }
    return catalog.getMarked(entity).name;
  }
  const found = catalog.allMarked().find(({ name }) => name === entity);
  if (!found) {
    const isKnown = [...catalog.getMetadata()].some(({ className }) => className === entity);
    throw new NotSoftDeletableError(entity, isKnown);
  }
  return found.name;
}
