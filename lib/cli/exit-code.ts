/**
 * What a process of `soft-delete` ends with, for schedulers such as a Kubernetes CronJob.
 *
 * @internal
 */
export const EXIT_CODE = {
  /** Everything was done; or the time budget is used up and the next run goes on. */
  done: 0,
  /** A wrong flag, no database, an interruption: try again. */
  error: 1,
  /** The work was done, but somebody has to look at what is blocked, has failed or was found. */
  attention: 2,
} as const;

/** @internal */
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
