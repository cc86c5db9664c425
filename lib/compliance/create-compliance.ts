import type { AnyOrm } from '../options/any-of-the-orm.js';
import { getInstallation } from '../installation/installation.js';
import { type ErasureOptions, requireErasureOptions } from '../options/erasure-options.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { ErasureService } from './erasure/erasure.service.js';
import { LegalHoldService } from './hold/legal-hold.service.js';
import { DeletionLog } from './record/deletion-log.js';
import { requireType } from '../options/require-type.js';
import { DeletionRecord } from './record/deletion-record.entity.js';
import { requireComplianceEntity } from './require-compliance-entity.js';

/**
 * Options of `createCompliance()`, which override the ORM's configuration.
 *
 * @publicApi
 */
export interface ComplianceOptions {
  readonly erasure?: ErasureOptions;
}

/**
 * What `createCompliance()` returns.
 *
 * @publicApi
 */
export interface Compliance {
  readonly log: DeletionLog;
  readonly holds: LegalHoldService;
  readonly erasures: ErasureService;
}

/**
 * Returns the services for records, holds and erasures without Nest, for scripts and workers.
 *
 * @throws SoftDeleteNotInstalledError if soft deletion is not installed on the ORM
 * @throws SoftDeleteConfigError if it is no ORM, or its entities do not include `complianceEntities()`
 * @publicApi
 */
export function createCompliance(orm: AnyOrm, options: ComplianceOptions = {}): Compliance {
  refuseUnknownOptions('createCompliance()', options, ['erasure']);
  const erasure = requireErasureOptions(options.erasure);
  requireType('createCompliance(), orm', orm?.em ?? null, 'object');
  getInstallation(orm.em);
  requireComplianceEntity(orm.em, DeletionRecord);
  return { log: new DeletionLog(orm), holds: new LegalHoldService(orm), erasures: new ErasureService(orm, erasure) };
}
