import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Whether an entity lives in the schema of the entity manager, which has none but the database's default: its table there, if there is
 * any, is none of a tenant's.
 *
 * @internal
 */
export function hasNoSchema(em: EntityManager, meta: EntityMetadata): boolean {
  return meta.schema === '*' && (em.schema ?? em.config.getSchema(true)) === undefined;
}
