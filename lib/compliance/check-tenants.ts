import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { OrmModel, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { findComplianceEntity } from './require-compliance-entity.js';

/**
 * Where each tenant has tables of its own for records and holds, every door has to look into those of the row's tenant. For rows that all
 * tenants share there would be no telling which.
 *
 * @throws SoftDeleteConfigError if a marked entity does not live in the schemas of tenants, or its rows are archived
 * @internal
 */
export function checkTenants(orm: Pick<OrmModel, 'getMetadata'>, catalog: SoftDeleteCatalog): void {
  if (findComplianceEntity(orm, DeletionRecord)?.schema !== '*') {
    return;
  }
  const where = "complianceEntities(), schema: '*'";
  const advice = 'Leave the mark out, give it another ORM, or use complianceEntities() without a schema.';
  const [archived] = catalog.allArchived();
  if (archived) {
    throw new SoftDeleteConfigError(
      where,
      `${archived.name} is archived: its rows would be in one table for all tenants, but its holds in a table per tenant.`,
      `Mark it without strategy: 'archive'. ${advice}`,
    );
  }
  const shared = catalog.all().find(({ meta }) => meta.schema !== '*');
  if (shared) {
    throw new SoftDeleteConfigError(
      where,
      `${shared.name} is marked and is in one schema for all tenants, so nothing says whose records and holds apply to its rows.`,
      `Give it the schema '*' as well. ${advice}`,
    );
  }
}
