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
