import type { Installation } from '../installation/installation.js';
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
