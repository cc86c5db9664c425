import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/** The schema of an entity's table, unless the session's search path decides: the ORM does not name its default schema either. @internal */
export function schemaName(em: EntityManager, meta: EntityMetadata): string | undefined {
  return meta.schema && meta.schema !== '*' ? meta.schema : (em.schema ?? em.config.getSchema(true));
}
