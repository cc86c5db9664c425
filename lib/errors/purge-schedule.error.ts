import { SoftDeleteError } from './soft-delete.error.js';

/**
 * `purge.cron` is set, but the application has no scheduler to run it.
 *
 * @publicApi
 */
export class PurgeScheduleError extends SoftDeleteError {
  readonly code = 'PURGE_SCHEDULE';

  constructor(
    readonly cron: string,
    problem: string,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(
      `purge.cron is set to ${JSON.stringify(cron)}, but ${problem} ${advice} Or leave purge.cron out and call PurgeService.run() yourself.`,
      options,
    );
  }
}
