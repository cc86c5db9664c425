import { helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

const outer = new WeakMap<EntityManager, EntityManager>();

/**
 * Says that one entity manager works for another, with an identity map of its own: `em.transactional()` with `clear`.
 *
 * @internal
 */
export function worksFor(em: EntityManager, other: EntityManager): void {
  if (em !== other) {
    outer.set(em, other);
  }
}

/** The entity managers that an entity manager works for, the nearest first. @internal */
export function outerManagers(em: EntityManager): EntityManager[] {
  const found: EntityManager[] = [];
  for (let next = outer.get(em); next && !found.includes(next); next = outer.get(next)) {
    found.push(next);
  }
  return found;
}

/**
 * Gives an entity manager its entities back from one whose transaction was rolled back. An orphan belongs to the one that is to
 * remove it (`scheduleOrphanRemoval` in `UnitOfWork.js`), and it would go on asking a transaction that is over. The ORM gives
 * entities back when it commits only (`TransactionManager.js`).
 *
 * @internal
 */
export function takeBackEntities(em: EntityManager, from: EntityManager): void {
  for (const entity of em.getUnitOfWork(false).getIdentityMap()) {
    const wrapped = helper(entity);
    if (wrapped.__em === from) {
      wrapped.__em = em;
    }
  }
}
