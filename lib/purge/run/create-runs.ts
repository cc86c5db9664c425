import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { DueTimes } from '../plan/due-times.js';
import type { PurgeOrder } from '../plan/purge-planner.js';
import type { PurgeHook } from '../purge-hook.js';
import { EntityRun } from './entity-run.js';
import { whatIsTold } from '../plan/what-is-told.js';

/**
 * What a run has to do for each entity that has a cut-off.
 *
 * @param asked - the names of the entities that are to be purged, if not all
 * @internal
 */
export function createRuns(
  em: EntityManager,
  order: PurgeOrder,
  cutoffs: DueTimes['cutoffs'],
  hooks: readonly PurgeHook[],
  asked: readonly string[] | undefined,
): EntityRun[] {
  const catalog = SoftDeleteCatalog.of(em);
  const told = whatIsTold(em);
  return order.groups.flat().flatMap((plan) => {
    const { name, meta } = plan.entity;
    const cutoff = cutoffs.get(name);
    if (!cutoff || (asked && !asked.includes(name))) {
      return [];
    }
    const own = hooks.filter(({ entity }) => catalog.find(entity)?.meta === meta);
    return [new EntityRun(plan, cutoff, own, em.getPlatform(), told)];
  });
}
