import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';

/** The entity manager of the request or transaction around the caller, or one of its own. @internal */
export function currentManager(orm: AnyOrm): EntityManager {
  const em = orm.em.getContext(false) as EntityManager;
  return em === orm.em ? (orm.em.fork() as EntityManager) : em;
}
