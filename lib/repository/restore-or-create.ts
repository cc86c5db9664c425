import type { FilterQuery, RequiredEntityData } from '@mikro-orm/core';
import { getInstallation } from '../metadata/installation.js';
import type { SoftDeleteRepository } from './soft-delete.repository.js';

/** @internal */
export async function restoreOrCreate<Entity extends object>(
  repository: SoftDeleteRepository<Entity>,
  where: FilterQuery<Entity>,
  data: RequiredEntityData<Entity>,
): Promise<{ entity: Entity; restored: boolean }> {
  const em = repository.getEntityManager();
  const entry = getInstallation(em).catalog.get(repository.getEntityName() as never);
  return em.transactional(async (tx) => {
    // Callers with the same condition take turns, so that the second one finds what the first one made.
    await tx.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
      `soft-delete:${entry.meta.tableName}:${JSON.stringify(where)}`,
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
