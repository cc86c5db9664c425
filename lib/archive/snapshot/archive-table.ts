import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * The quoted name of the table of archived rows. It is one for all schemas: an entity manager of a tenant's schema has no other.
 *
 * @internal
 */
export function archiveTable(em: EntityManager): string {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const schema = em.config.get('schema');
  return schema ? `${quote(schema)}.${quote('deletion_archive')}` : quote('deletion_archive');
}
