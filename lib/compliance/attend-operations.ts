import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { showValue } from '../errors/text/show-value.js';
import type { Installation } from '../installation/installation.js';
import type { OrmParts } from '../installation/orm-parts.js';
import type { OrmModel } from '../metadata/soft-delete-catalog.js';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';
import { PersonalDataCatalog } from './erasure/declaration/personal-data-catalog.js';
import { LegalHoldRecord, LegalHoldRow } from './hold/legal-hold.entity.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { recordOperations } from './record/record-operations.js';
import { findComplianceEntity } from './require-compliance-entity.js';

/**
 * Has what every door does recorded, and holds respected, if the ORM has the entities for it.
 *
 * @throws SoftDeleteConfigError if what an entity declares of personal data cannot work
 * @internal
 */
export function attendOperations(installation: Installation, orm: OrmParts): void {
  installation.personalRelations = PersonalDataCatalog.of(orm).relations();
  const meta = findComplianceEntity(installation.catalog, DeletionRecord);
  if (meta) {
    installation.records = meta;
    installation.operations.attend(recordOperations(meta));
  }
  const holds = findComplianceEntity(installation.catalog, LegalHoldRecord);
  const rows = findComplianceEntity(installation.catalog, LegalHoldRow);
  if (holds && rows) {
    installation.holds = { holds, rows };
  }
}

/**
 * @throws SoftDeleteConfigError if somebody says how to record or erase, and the ORM has no entity for it
 * @internal
 */
export function requireRecords(
  orm: Pick<OrmModel, 'getMetadata'>,
  { log, erasure }: Pick<SoftDeleteModuleOptions, 'log' | 'erasure'>,
): void {
  const options = { 'log.reason': log?.reason, 'log.retention': log?.retention, ...prefixed(erasure) };
  const [given] = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given && !findComplianceEntity(orm, DeletionRecord)) {
    const [option, value] = given;
    throw new SoftDeleteConfigError(
      option,
      `it is ${showValue(value)}, but the ORM has no entity for ${option.startsWith('log') ? 'records, so nothing is recorded' : 'erasures, so nothing is erased'}.`,
      'Add ...complianceEntities() of nestjs-mikro-orm-soft-delete/compliance to the entities of the MikroORM configuration.',
    );
  }
}

function prefixed(erasure: SoftDeleteModuleOptions['erasure'] = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(erasure).map(([name, value]) => [`erasure.${name}`, value as unknown]));
}
