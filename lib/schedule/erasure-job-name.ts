/**
 * The name of the job that carries out erasures in the application's `SchedulerRegistry`.
 *
 * @publicApi
 */
export const SOFT_DELETE_ERASURE_JOB = 'soft-delete-erasure';

/** The same for one ORM: followed by the name of the context where the ORM has one. @internal */
export function getErasureJobName(contextName?: string): string {
  return contextName ? `${SOFT_DELETE_ERASURE_JOB}:${contextName}` : SOFT_DELETE_ERASURE_JOB;
}
