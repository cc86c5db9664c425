/**
 * The name of the purge in the application's `SchedulerRegistry`.
 *
 * @publicApi
 */
export const SOFT_DELETE_PURGE_JOB = 'soft-delete-purge';

/**
 * The name of the purge of one ORM in the application's `SchedulerRegistry`: `SOFT_DELETE_PURGE_JOB`, followed by the name of the
 * context where the ORM has one.
 *
 * @publicApi
 */
export function getPurgeJobName(contextName?: string): string {
  return contextName ? `${SOFT_DELETE_PURGE_JOB}:${contextName}` : SOFT_DELETE_PURGE_JOB;
}
