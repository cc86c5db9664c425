import { SoftDeleteError } from './soft-delete.error.js';

/**
 * An option, a mark on an entity or an argument cannot work. Thrown before anything is read or written; the message names
 * the option, its value and what to write instead.
 *
 * @publicApi
 */
export class SoftDeleteConfigError extends SoftDeleteError {
  readonly code = 'SOFT_DELETE_CONFIG';

  constructor(
    /** Where the value was given, such as `purge.batchSize` or `@SoftDeletable() on User`. */
    readonly option: string,
    /** What is wrong with it. */
    readonly problem: string,
    /** What to write instead. */
    readonly advice: string,
  ) {
    super(`${option}: ${problem} ${advice}`);
  }
}
