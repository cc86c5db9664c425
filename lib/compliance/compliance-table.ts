import type { EntityClass } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { hasNoSchema } from '../purge/plan/has-no-schema.js';
import { tableName } from '../sql/table-name.js';
import { requireComplianceEntity } from './require-compliance-entity.js';

/**
 * The quoted name of one of this package's own tables.
 *
 * @throws SoftDeleteConfigError if the ORM does not have it, or each tenant has one and the entity manager is of none
 * @internal
 */
export function complianceTable(em: EntityManager, entity: EntityClass<object>): string {
  const meta = requireComplianceEntity(em, entity);
  if (hasNoSchema(em, meta)) {
    throw new SoftDeleteConfigError(
      `The table ${meta.tableName}`,
      "each tenant has one (complianceEntities({ schema: '*' })), and the entity manager belongs to none.",
      "Call it in the context of a tenant: RequestContext.create(orm.em.fork({ schema: 'tenant_1' }), () => …); or set purge.schemas for work on all tenants.",
    );
  }
  return tableName(em, meta);
}
