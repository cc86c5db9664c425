import type { EntityManagerClass } from '../installation/orm-parts.js';
import { attendFlushes, type FlushAttendant } from './attend-flushes.js';

/**
 * A class of entity managers whose flushes are attended. A fork may have an event manager of its own: `em.transactional()` clones
 * it, `freshEventManager` makes it anew.
 *
 * @internal
 */
export function attendedEntityManager(Base: EntityManagerClass, attendant: FlushAttendant): EntityManagerClass {
  class AttendedEntityManager extends Base {
    constructor(...args: any[]) {
      super(...args);
      attendFlushes(this.getEventManager(), attendant);
    }
  }
  return Object.defineProperty(AttendedEntityManager, 'name', { value: Base.name });
}
