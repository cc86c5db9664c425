import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { showValue } from '../errors/show-value.js';
import type { Installation } from '../installation/installation.js';
import type { OrmModel } from '../metadata/soft-delete-catalog.js';
import type { LogOptions } from '../options/log-options.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { recordOperations } from './record/record-operations.js';
import { findComplianceEntity } from './require-compliance-entity.js';

/** Has what every door does recorded, if the ORM has the entity for it. @internal */
export function attendOperations({ catalog, operations }: Installation): void {
  const meta = findComplianceEntity(catalog, DeletionRecord);
  if (meta) {
    operations.attend(recordOperations(meta));
  }
}

/**
 * @throws SoftDeleteConfigError if somebody says how to record, and the ORM has no entity for it
 * @internal
 */
export function requireRecords(orm: Pick<OrmModel, 'getMetadata'>, log: LogOptions | undefined): void {
  if (log?.reason !== undefined && !findComplianceEntity(orm, DeletionRecord)) {
    throw new SoftDeleteConfigError(
      'log.reason',
      `it is ${showValue(log.reason)}, but the ORM has no entity for records, so nothing is recorded.`,
      'Add ...complianceEntities() of nestjs-mikro-orm-soft-delete/compliance to the entities of the MikroORM configuration.',
    );
  }
}
