import type { CronJob } from './load-schedule.js';

/** Of how many ticks the longest pause is taken: enough for a week of `0 3 * * 1-5`. */
const TICKS = 8;

/**
 * The longest pause between the next ticks of a job, in milliseconds; none where so many do not come within the years that the library
 * looks ahead.
 *
 * @internal
 */
export function longestPeriod(job: Pick<CronJob, 'nextDates'>): number {
  try {
    const ticks = job.nextDates(TICKS).map((date) => date.toMillis());
    return Math.max(...ticks.slice(1).map((tick, i) => tick - ticks[i]!));
  } catch {
    return Infinity;
  }
}
