import type { EntityManagerClass } from '../installation/orm-parts.js';
import { attendFlushes } from './attend-flushes.js';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

/**
 * A class of entity managers whose flushes are attended. A fork may have an event manager of its own: `em.transactional()` clones
 * it, `freshEventManager` makes it anew.
 *
 * @internal
 */
export function attendedEntityManager(Base: EntityManagerClass, subscriber: SoftDeleteSubscriber): EntityManagerClass {
  class AttendedEntityManager extends Base {
    constructor(...args: any[]) {
      super(...args);
      attendFlushes(this.getEventManager(), subscriber);
    }
  }
  return Object.defineProperty(AttendedEntityManager, 'name', { value: Base.name });
}
