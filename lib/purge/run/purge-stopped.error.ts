import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import type { PurgeReport } from '../purge-report.js';

const REASONS: Partial<Record<PurgeReport['outcome'], string>> = {
  'time-budget': 'its time budget was used up',
  'row-limit': 'it has removed as many rows as maxRows lets one run remove',
  aborted: 'its signal was aborted',
  throttled: 'its throttle said so',
};

/**
 * A job of the purge has ended before it was finished: by its time budget, its signal, `maxRows` or a throttle, or because it could not
 * look at one of its entities. What it removed until then stays removed, and the next attempt goes on where it ended.
 *
 * @publicApi
 */
export class PurgeStoppedError extends SoftDeleteError {
  readonly code = 'PURGE_STOPPED';

  constructor(
    /** The name of the job. */
    readonly job: string,
    /** What it did until then. */
    readonly report: PurgeReport,
  ) {
    const errors = report.entities.flatMap(({ error }) => error ?? []);
    const rows = `${report.total} ${report.total === 1 ? 'row' : 'rows'}`;
    super(
      errors.length > 0
        ? `The job ${job} removed ${rows} and is not finished. ${errors.join(' ')}`
        : `The job ${job} was stopped after ${rows}, because ${REASONS[report.outcome]}. Let the queue try it again: it goes on where it ended.`,
    );
  }
}
