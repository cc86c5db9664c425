import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';

/** The entity manager of the request or transaction around the caller, or one of its own. @internal */
export function currentManager(orm: MikroORM<any>): EntityManager {
  const em = orm.em.getContext(false) as EntityManager;
  return em === orm.em ? (orm.em.fork() as EntityManager) : em;
}
