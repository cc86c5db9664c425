import type { SessionContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Settings } from '../fragments/configure-transaction.js';

/** The session context of the entity manager, which the ORM sets where it begins a transaction itself. @internal */
export function sessionSettings(em: EntityManager): Settings {
  // Row level security is there from MikroORM 7.2 on.
  const { variables = {}, role }: SessionContext = em.getTransactionSessionContext?.() ?? {};
  const values = Object.entries(variables).map(
    ([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)] as const,
  );
  return { ...(role === undefined ? {} : { role }), ...Object.fromEntries(values) };
}
