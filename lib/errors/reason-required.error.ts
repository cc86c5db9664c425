import { SoftDeleteError } from './soft-delete.error.js';

/**
 * A deletion, restoration or removal did not say why, though `log: { reason: 'required' }` asks for it. Nothing was changed.
 *
 * @publicApi
 */
export class ReasonRequiredError extends SoftDeleteError {
  readonly code = 'REASON_REQUIRED';

  constructor(
    /** What was called. */
    readonly operation: string,
    advice: string,
  ) {
    super(`${operation} was refused: it has no reason, and log.reason is 'required'. ${advice}`);
  }
}
