import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete } from '../install-soft-delete.js';
import { SoftDeleteRepository } from '../repository/soft-delete.repository.js';

/** A repository on a fork of the application's ORM, in which soft deletion is installed. @internal */
export function repositoryOf(orm: MikroORM, { class: entity }: EntityMetadata): SoftDeleteRepository<object> {
  installSoftDelete(orm);
  return new SoftDeleteRepository<object>(orm.em.fork() as EntityManager, entity);
}
