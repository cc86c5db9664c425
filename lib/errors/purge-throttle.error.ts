import { showValue } from './text/show-value.js';
import { SoftDeleteError } from './soft-delete.error.js';

/**
 * A throttle of the purge has thrown, or answered with something that is no answer. The run ends, since nobody says that it may go on.
 *
 * @publicApi
 */
export class PurgeThrottleError extends SoftDeleteError {
  readonly code = 'PURGE_THROTTLE';

  constructor(
    readonly entity: string,
    problem: { readonly thrown: unknown } | { readonly answer: unknown },
  ) {
    const what =
      'thrown' in problem
        ? `failed: ${problem.thrown instanceof Error ? problem.thrown.message : String(problem.thrown)}`
        : `answered with ${showValue(problem.answer)}`;
    super(
      `purge.throttle ${what}, before a batch of ${entity}. It must answer 'go', 'wait' or 'stop', and catch errors that need not end the run.`,
      'thrown' in problem ? { cause: problem.thrown } : undefined,
    );
  }
}
