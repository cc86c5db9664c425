import { type FilterQuery, type RequiredEntityData, UniqueConstraintViolationException } from '@mikro-orm/core';
import { RestoreConflictError } from '../errors/restore-conflict.error.js';
import { getInstallation } from '../metadata/installation.js';
import type { SoftDeleteRepository } from './soft-delete.repository.js';

/** How often the row is looked for while others take its values. */
const ATTEMPTS = 3;

/** What `restoreOrCreate()` found or made. @internal */
interface RestoredOrCreated<Entity> {
  readonly entity: Entity;
  readonly restored: boolean;
}

/** @internal */
export async function restoreOrCreate<Entity extends object>(
  repository: SoftDeleteRepository<Entity>,
  where: FilterQuery<Entity>,
  data: RequiredEntityData<Entity>,
): Promise<RestoredOrCreated<Entity>> {
  const { scope } = getInstallation(repository.getEntityManager());
  for (let attempt = 1; ; attempt++) {
    try {
      // Under a scope of the request, a deleted row would pass for the active one.
      return await scope.run('active', () => findRestoreOrCreate(repository, where, data));
    } catch (error) {
      // Someone who does not take turns has made an active row meanwhile: the next attempt may find it.
      const isTaken = error instanceof UniqueConstraintViolationException || error instanceof RestoreConflictError;
      if (!isTaken || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

function findRestoreOrCreate<Entity extends object>(
  repository: SoftDeleteRepository<Entity>,
  where: FilterQuery<Entity>,
  data: RequiredEntityData<Entity>,
): Promise<RestoredOrCreated<Entity>> {
  const em = repository.getEntityManager();
  const entry = getInstallation(em).catalog.get(repository.getEntityName() as never);
  return em.transactional(async (tx) => {
    // Callers with the same condition take turns, so that the second one finds what the first one made.
    await tx.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
      `soft-delete:${entry.meta.tableName}:${JSON.stringify(where, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
    ]);
    const active = await repository.findOne(where as never);
    if (active) {
      return { entity: active as Entity, restored: false };
    }
    const deleted = await repository
      .onlyDeleted()
      .findOne(where as never, { orderBy: { [entry.property]: 'desc' } as never });
    if (deleted) {
      await repository.restore(deleted as Entity);
      return { entity: deleted as Entity, restored: true };
    }
    const entity = repository.create(data as never);
    await tx.persist(entity).flush();
    return { entity, restored: false };
  });
}
