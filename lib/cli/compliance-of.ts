import type { MikroORM } from '@mikro-orm/postgresql';
import { type Compliance, createCompliance } from '../compliance/create-compliance.js';
import { DeletionRecord } from '../compliance/record/deletion-record.entity.js';
import { findComplianceEntity } from '../compliance/require-compliance-entity.js';
import { installSoftDelete } from '../install-soft-delete.js';
import { findInstallation } from '../installation/installation.js';
import { requireTenant } from './tenant/require-tenant.js';

/**
 * Records, holds and erasures of the application's ORM, in which soft deletion is installed.
 *
 * @param mayBeAll - whether those of all tenants will do, as far as the configuration says which there are
 * @throws CliError if each tenant has its own, and nobody has said which are meant
 * @internal
 */
export function complianceOf(orm: MikroORM, mayBeAll = false): Compliance {
  installSoftDelete(orm);
  const records = findComplianceEntity(orm.em, DeletionRecord);
  const areAllKnown = findInstallation(orm.em)?.configured.purge?.schemas !== undefined;
  if (records && !(mayBeAll && areAllKnown)) {
    requireTenant(orm, records, mayBeAll ? 'Or name all of them: softDelete({ purge: { schemas: () => […] } }).' : '');
  }
  return createCompliance(orm);
}
