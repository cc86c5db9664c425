import type { EntityManager } from '@mikro-orm/postgresql';
import { DeletionArchive } from './deletion-archive.entity.js';

/** Whether the ORM has the table of archived rows. @internal */
export function hasArchive(em: EntityManager): boolean {
  return [...em.getMetadata()].some((meta) => meta.tableName === DeletionArchive.meta.tableName);
}

/**
 * The quoted name of the table of archived rows. It is one for all schemas: an entity manager of a tenant's schema has no other.
 *
 * @internal
 */
export function archiveTable(em: EntityManager): string {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const schema = em.config.getSchema(true);
  return schema ? `${quote(schema)}.${quote('deletion_archive')}` : quote('deletion_archive');
}
