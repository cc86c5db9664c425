import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { SoftDeleteRepository } from './soft-delete.repository.js';

/** A marked entity with the class of its repository. @internal */
export interface OtherRepository {
  readonly meta: EntityMetadata;
  readonly repository: string;
}

/**
 * The marked entities whose own repository does not extend `SoftDeleteRepository`: it has no `restore()` and no scopes. One
 * without a repository gets ours where soft deletion is installed.
 *
 * @internal
 */
export function entitiesWithOtherRepositories(em: EntityManager, catalog: SoftDeleteCatalog): OtherRepository[] {
  const isOwn = (meta: EntityMetadata) => meta.repository !== undefined || Boolean(em.config.get('entityRepository'));
  return [...em.getMetadata()]
    .filter((meta) => catalog.find(meta) && isOwn(meta))
    .map((meta) => ({
      meta,
      repository: em.config.getRepositoryClass(meta.repository as never) as unknown as RepositoryClass,
    }))
    .filter(
      ({ repository: { prototype } }) =>
        prototype !== SoftDeleteRepository.prototype && !(prototype instanceof SoftDeleteRepository),
    )
    .map(({ meta, repository }) => ({ meta, repository: repository.name }));
}

interface RepositoryClass {
  readonly name: string;
  readonly prototype: object;
}
