import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Whether an entity lives in the schema of the entity manager, which has none: an unqualified name would lead to whatever table the
 * search path finds, and past those of all tenants.
 *
 * @internal
 */
export function hasNoSchema(em: EntityManager, meta: EntityMetadata): boolean {
  return meta.schema === '*' && !(em.schema ?? em.config.get('schema'));
}
