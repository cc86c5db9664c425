import type { EntityManager } from '@mikro-orm/postgresql';
import { findInstallation } from '../installation/installation.js';
import type { PurgeOptions } from '../options/soft-delete-module-options.js';
import { readSchemas } from '../purge/plan/read-schemas.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { findComplianceEntity } from './require-compliance-entity.js';

/**
 * Entity managers of all schemas with records, holds and erasures: of every tenant, where each has its own and the given one is none of
 * them.
 *
 * @param schemas - `purge.schemas`, if not what the ORM's configuration says
 * @throws PurgeSchemasError if nobody can tell the schemas
 * @internal
 */
export async function managersOfTenants(
  em: EntityManager,
  schemas: PurgeOptions['schemas'] = findInstallation(em)?.configured.purge?.schemas,
): Promise<EntityManager[]> {
  if (findComplianceEntity(em, DeletionRecord)?.schema !== '*' || em.schema !== undefined || !schemas) {
    return [em];
  }
  const names = await readSchemas(schemas);
  return names.map((schema) => em.fork({ schema, keepTransactionContext: true }) as EntityManager);
}

/** The schema of a tenant, where each has its own erasures: `{ schema }`. @internal */
export function tenantOf(em: EntityManager): { readonly schema?: string } {
  const isOfTenant = findComplianceEntity(em, DeletionRecord)?.schema === '*' && em.schema !== undefined;
  return isOfTenant ? { schema: em.schema! } : {};
}
