import type { EntityManager } from '@mikro-orm/postgresql';
import type { OrmParts } from '../installation/orm-parts.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { SoftDeleteRepository } from './soft-delete.repository.js';

/**
 * Makes `em.getRepository()` give a `SoftDeleteRepository` for every marked entity that has no repository of its own, so that
 * `nativeDelete()` of what `@InjectRepository()` of @mikro-orm/nestjs injects is soft as well.
 *
 * @param root - the ORM's entity manager, if it exists already
 * @internal
 */
export function provideRepositories(orm: OrmParts, catalog: SoftDeleteCatalog, root: EntityManager | undefined): void {
  if (orm.config.get('entityRepository')) {
    return;
  }
  const plain = orm.getPlatform().getRepositoryClass();
  for (const meta of orm.getMetadata()) {
    if (meta.repository !== undefined || !catalog.findMarked(meta)) {
      continue;
    }
    // EntityManager.getRepository() keeps what it made. Nest may have injected it before soft deletion was installed, so that
    // very object has to change its class.
    const early = root?.getRepository(meta.class);
    if (early?.constructor === plain) {
      Object.setPrototypeOf(early, SoftDeleteRepository.prototype);
    }
    meta.repository = () => SoftDeleteRepository;
  }
}
