import type { EntityManager } from '@mikro-orm/postgresql';
import { attendFlushes } from './attend-flushes.js';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

type EntityManagerClass = new (...args: any[]) => EntityManager;

/**
 * Attends the flushes of an entity manager and of all its later forks. A fork may have an event manager of its own:
 * `em.transactional()` clones it, `freshEventManager` makes it anew.
 *
 * @internal
 */
export function attendEveryFlush(em: EntityManager, subscriber: SoftDeleteSubscriber): void {
  const Base = em.constructor as EntityManagerClass;
  class AttendedEntityManager extends Base {
    constructor(...args: any[]) {
      super(...args);
      attendFlushes(this.getEventManager(), subscriber);
    }
  }
  Object.defineProperty(AttendedEntityManager, 'name', { value: Base.name });
  Object.setPrototypeOf(em, AttendedEntityManager.prototype);
  em.config.set('entityManager', AttendedEntityManager as never);
  attendFlushes(em.getEventManager(), subscriber);
}
