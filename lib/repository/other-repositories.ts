import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { SoftDeleteRepository } from './soft-delete.repository.js';

/**
 * The marked entities whose repository does not extend `SoftDeleteRepository`: it has no `restore()` and no scopes.
 *
 * @internal
 */
export function entitiesWithOtherRepositories(em: EntityManager, catalog: SoftDeleteCatalog): string[] {
  return [...em.getMetadata()]
    .filter((meta) => catalog.findMarked(meta))
    .filter((meta) => {
      const repository = em.config.getRepositoryClass(meta.repository as never) as { readonly prototype: object };
      return !(repository.prototype instanceof SoftDeleteRepository) && repository !== SoftDeleteRepository;
    })
    .map(({ className }) => className);
}
