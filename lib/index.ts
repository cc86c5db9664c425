export { ArchivedScopeError } from './errors/archived-scope.error.js';
export { DeletionRestrictedError } from './errors/deletion-restricted.error.js';
export type { DeletionRestriction } from './errors/deletion-restriction.js';
export { DeletedRowError } from './errors/deleted-row.error.js';
export { NotSoftDeletableError } from './errors/not-soft-deletable.error.js';
export { PhysicalDeletionError } from './errors/physical-deletion.error.js';
export { RestoreConflictError, type RestoreConflict } from './errors/restore-conflict.error.js';
export { CatalogChangedError } from './errors/catalog-changed.error.js';
export { PurgeSchemasError } from './errors/purge-schemas.error.js';
export { PurgeThrottleError } from './errors/purge-throttle.error.js';
export { SoftDeleteConfigError } from './errors/soft-delete-config.error.js';
export { SoftDeleteError } from './errors/soft-delete.error.js';
export { UnsupportedOrmVersionError } from './errors/unsupported-orm-version.error.js';
export { SoftDeleteNotInstalledError } from './errors/not-installed.error.js';
export { SoftDeletableEntity } from './metadata/soft-deletable.entity.js';
export type { AnyEntityName, AnyEntitySchema, AnyOrm, SchemaOf } from './options/any-of-the-orm.js';
export type { Duration } from './options/duration.js';
export type {
  ArchivedColumnOptions,
  DeletionStrategy,
  RelationPolicy,
  SoftDeletableOptions,
} from './options/soft-deletable-options.js';
export type { DeletionTarget } from './deletion/deletion-target.js';
export type { RestoreOptions, RestorePreview, RestoreResult } from './deletion/restoration/restore-rows.js';
export type { DeletionOptions, DeletionPreview, DeletionResult } from './deletion/soft-delete-rows.js';
export type { Finding, FindingCode } from './doctor/finding.js';
export type { DeletionHandler, DeletionHookOptions, HookContext } from './deletion/hooks/deletion-hook.js';
export { OnDelete } from './deletion/hooks/on-delete.decorator.js';
export { OnRestore } from './deletion/hooks/on-restore.decorator.js';
export { registerHook } from './deletion/hooks/register-hook.js';
export { SoftDeleteDoctor, type SoftDeleteDoctorOptions } from './doctor/soft-delete-doctor.js';
export { type SoftDeleteEvent, SoftDeleteEvents } from './events/soft-delete-events.js';
export { SOFT_DELETE_FILTER } from './metadata/filter-name.js';
export { runInScope } from './filter/run-in-scope.js';
export { installSoftDelete } from './install-soft-delete.js';
export { softDelete, type SoftDeleteExtension } from './soft-delete.extension.js';
export type { PurgeBrakeOptions } from './options/brake-options.js';
export type { LogOptions } from './options/log-options.js';
export type {
  InstallSoftDeleteOptions,
  PurgeOptions,
  SoftDeleteModuleOptions,
} from './options/soft-delete-module-options.js';
export { type DeletionPolicyOptions, describeDeletionPolicy } from './policy/describe-deletion-policy.js';
export type { SoftDeleteReadView } from './repository/read-view.js';
export { SoftDeleteRepository } from './repository/soft-delete.repository.js';
export type { ActiveIndexOptions, ActiveUniqueOptions } from './schema/active-definition.js';
export { ActiveIndex, activeIndex } from './schema/active-index.decorator.js';
export { ActiveUnique, activeUnique } from './schema/active-unique.decorator.js';
export { activeView, type ActiveViewOptions } from './schema/active-view.js';
export { SoftDeletable, softDeletable } from './schema/soft-deletable.decorator.js';
export { createPurge } from './purge/create-purge.js';
export { OnPurge } from './purge/on-purge.decorator.js';
export type { OnPurgeOptions, PurgeHandler } from './purge/purge-hook.js';
export { replicationLag } from './purge/throttles/replication-lag.js';
export { vacuumBacklog } from './purge/throttles/vacuum-backlog.js';
export { window } from './purge/throttles/window.js';
export type { PurgeThrottle, PurgeThrottleDatabase, PurgeThrottleState } from './options/purge-throttle.js';
export { PurgeStoppedError } from './purge/run/purge-stopped.error.js';
export type { PurgeJob } from './purge/plan/list-jobs.js';
export { PurgeInterruptedError } from './purge/run/purge-interrupted.error.js';
export type { PurgePlan, PurgePlannedEntity, PurgePlannedReference } from './purge/plan/purge-plan.js';
export type {
  PurgeBlocker,
  PurgeExplainOptions,
  PurgeExplanation,
  PurgeRowState,
} from './purge/explain/purge-explanation.js';
export type { PurgeBlock, PurgeBrake, PurgeEntityReport, PurgeFailure, PurgeReport } from './purge/purge-report.js';
export type { PurgeJobOptions, PurgeProgress, PurgeRunOptions } from './purge/purge-run-options.js';
export type { PurgeEntityLag, PurgeLag, PurgeLagOptions } from './purge/status/purge-lag.js';
export type { PurgeEntityStatus, PurgeStatus } from './purge/status/purge-status.js';
export { PurgeService } from './purge/purge.service.js';
export { PurgeScheduleError } from './errors/purge-schedule.error.js';
export { DeletionPreviewDto } from './http/open-api/deletion-preview.dto.js';
export { DeletionRestrictionDto } from './http/open-api/deletion-restriction.dto.js';
export { DeletionResultDto } from './http/open-api/deletion-result.dto.js';
export { RestoreConflictDto } from './http/open-api/restore-conflict.dto.js';
export { RestorePreviewDto } from './http/open-api/restore-preview.dto.js';
export { RestoreResultDto } from './http/open-api/restore-result.dto.js';
export { SoftDeleteProblemDto } from './http/open-api/soft-delete-problem.dto.js';
export { DeletedScope } from './http/deleted-scope.decorator.js';
export { SoftDeleteExceptionFilter } from './http/soft-delete-exception.filter.js';
export { WithDeleted } from './http/with-deleted.decorator.js';
export type { RequestParameter } from './http/request-parameter.js';
export type { WithDeletedOptions } from './http/with-deleted.options.js';
export { InjectSoftDeleteRepository } from './nest/inject-soft-delete-repository.decorator.js';
export { getPurgeJobName, SOFT_DELETE_PURGE_JOB } from './schedule/purge-job-name.js';
export type { SoftDeleteModuleAsyncOptions, SoftDeleteOptionsFactory } from './nest/soft-delete.async-options.js';
export { SoftDeleteModule } from './nest/soft-delete.module.js';
export {
  getPurgeServiceToken,
  getSoftDeleteDoctorToken,
  getSoftDeleteEventsToken,
  getSoftDeleteRepositoryToken,
} from './nest/soft-delete.tokens.js';
export { PurgeHealthIndicator, type PurgeHealthOptions } from './nest/purge-health.indicator.js';
