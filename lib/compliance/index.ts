export { ArchivedScopeError } from '../errors/archived-scope.error.js';
export { ErasureFailedError, type FailedErasure } from '../errors/erasure-failed.error.js';
export { ErasureUndeclaredError, type UndeclaredPersonalData } from '../errors/erasure-undeclared.error.js';
export { LegalHoldError } from '../errors/legal-hold.error.js';
export { ReasonRequiredError } from '../errors/reason-required.error.js';
export type { ErasureFingerprint, ErasureLedgerEntry, ErasureOptions } from '../options/erasure-options.js';
export type { CalendarDuration } from '../options/interval.js';
export { SOFT_DELETE_ERASURE_JOB } from '../schedule/erasure-job-name.js';
export type { DeletionContext } from '../events/deletion-context.js';
export { withDeletionContext } from '../events/with-deletion-context.js';
export { complianceEntities } from './compliance-entities.js';
export { complianceTablesSql } from './compliance-tables-sql.js';
export { type Compliance, type ComplianceOptions, createCompliance } from './create-compliance.js';
export { erased, type ErasedValue } from './erasure/declaration/erased.js';
export {
  NoPersonalData,
  noPersonalData,
  PersonalData,
  personalData,
} from './erasure/declaration/personal-data.decorator.js';
export type {
  LegalKeep,
  PersonalDataOptions,
  PersonalFields,
  PersonPath,
} from './erasure/declaration/personal-data-options.js';
export type { ErasedEntity, ErasureCertificate, ErasurePlan, HeldRow, KeptRow } from './erasure/erasure-certificate.js';
export type { Erasure, ErasureStatus } from './erasure/erasure-state.js';
export { type EraseOptions, ErasureService, type RequestOptions } from './erasure/erasure.service.js';
export { OnErase } from './erasure/hooks/on-erase.decorator.js';
export type { ReappliedErasure } from './erasure/ledger/reapply-entries.js';
export { type LegalHoldOptions, LegalHoldService } from './hold/legal-hold.service.js';
export type { LegalHold } from './hold/read-holds.js';
export {
  type DeletionAction,
  DeletionLog,
  type DeletionLogEntry,
  type DeletionLogQuery,
} from './record/deletion-log.js';
export { DeletionReason, type DeletionReasonOptions } from '../http/deletion-reason.decorator.js';
export { getDeletionLogToken, getErasureServiceToken, getLegalHoldServiceToken } from '../nest/soft-delete.tokens.js';
