import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { SoftDeleteRepository } from './soft-delete.repository.js';

/**
 * Makes `em.getRepository()` give a `SoftDeleteRepository` for every marked entity that has no repository of its own, so that
 * `nativeDelete()` of what `@InjectRepository()` of @mikro-orm/nestjs injects is soft as well.
 *
 * @internal
 */
export function provideRepositories(em: EntityManager, catalog: SoftDeleteCatalog): void {
  if (em.config.get('entityRepository')) {
    return;
  }
  const plain = em.getPlatform().getRepositoryClass();
  for (const meta of em.getMetadata()) {
    if (meta.repository !== undefined || !catalog.find(meta)) {
      continue;
    }
    // EntityManager.getRepository() keeps what it made. Nest may have injected it before soft deletion was installed, so that
    // very object has to change its class.
    const early = em.getRepository(meta.class);
    if (early.constructor === plain) {
      Object.setPrototypeOf(early, SoftDeleteRepository.prototype);
    }
    meta.repository = () => SoftDeleteRepository;
  }
}
