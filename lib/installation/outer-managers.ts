import { helper } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

const outer = new WeakMap<EntityManager, EntityManager>();
const lending = new WeakMap<EntityManager, EntityManager>();
/** What transactions that were rolled back have left to the entity managers that share a set. Held weakly: whoever has it may let go of it. */
const left = new WeakMap<EntityManager, Set<WeakRef<object>>>();

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

/**
 * The entity managers with other entities of their own that an entity manager works for, the nearest first, whether or not those between
 * them borrow their entities.
 *
 * @internal
 */
export function outerManagers(em: EntityManager): EntityManager[] {
  return [em, ...surroundingManagers(em)].flatMap((each) => outer.get(each) ?? []);
}

/** All entity managers that an entity manager works for or has borrowed entities from, the nearest first. @internal */
export function surroundingManagers(em: EntityManager): EntityManager[] {
  return follow((each) => outer.get(each) ?? lending.get(each), em);
}

/** Says that one entity manager has borrowed the entities of another: `em.transactional()` without `clear`. @internal */
export function borrowsFrom(em: EntityManager, lender: EntityManager): void {
  if (em !== lender) {
    lending.set(em, lender);
    left.set(em, leftTo(lender));
  }
}

/** The entity managers whose entities an entity manager has borrowed, the nearest first. @internal */
export function lenders(em: EntityManager): EntityManager[] {
  return follow((each) => lending.get(each), em);
}

/**
 * The entities of transactions that were rolled back and that nobody manages since. Collections that such a transaction was the first
 * to load hold them still.
 *
 * @internal
 */
export function leftEntities(em: EntityManager): object[] {
  const entities: object[] = [];
  for (const reference of left.get(em) ?? []) {
    const entity = reference.deref();
    if (!entity) {
      left.get(em)!.delete(reference);
    } else {
      entities.push(entity);
    }
  }
  return entities;
}

function leftTo(em: EntityManager): Set<WeakRef<object>> {
  const entities = left.get(em) ?? new Set<WeakRef<object>>();
  left.set(em, entities);
  return entities;
}

function follow(next: (em: EntityManager) => EntityManager | undefined, em: EntityManager): EntityManager[] {
  const found: EntityManager[] = [];
  for (let each = next(em); each && !found.includes(each); each = next(each)) {
    found.push(each);
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
  const managed = new Set<object>(em.getUnitOfWork(false).getIdentityMap().values());
  for (const entity of managed) {
    const wrapped = helper(entity);
    if (wrapped.__em === from) {
      wrapped.__em = em;
    }
  }
  for (const entity of from.getUnitOfWork(false).getIdentityMap().values() as object[]) {
    if (!managed.has(entity)) {
      leftTo(em).add(new WeakRef(entity));
    }
  }
}
