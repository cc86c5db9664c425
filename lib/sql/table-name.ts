import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { schemaName } from '../metadata/schema-name.js';

/**
 * The quoted name of an entity's table with its schema, as the given entity manager sees it: an entity of the wildcard
 * schema `*` lives in the schema of the entity manager.
 *
 * @internal
 */
export function tableName(em: EntityManager, meta: EntityMetadata): string {
  const schema = schemaName(em, meta);
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return schema ? `${quote(schema)}.${quote(meta.tableName)}` : quote(meta.tableName);
}
