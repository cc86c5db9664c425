import { showCount } from '../../errors/text/show-count.js';
import type { Check } from '../examination.js';

const DAY = 24 * 60 * 60 * 1_000;

/** Rows that a purge should have removed long ago. @internal */
export const checkBacklog: Check = ({ catalog, retention, grace, oldestDeletion }) =>
  catalog.all().flatMap((entry) => {
    const kept = entry.retention ?? retention;
    const age = oldestDeletion.get(entry);
    if (kept === 'forever' || age === undefined || age <= kept + grace) {
      return [];
    }
    return [
      {
        code: 'purge-overdue',
        severity: 'warning',
        entity: entry.name,
        problem: `Deleted rows of ${entry.name} are ${days(age - kept)} past their retention of ${days(kept)}: the purge does not run, or something blocks it.`,
        fix: 'Run `soft-delete purge` and read its report, and set `purge.cron` in SoftDeleteModule.forRoot().',
      },
    ];
  });

function days(milliseconds: number): string {
  return showCount(Math.round((milliseconds / DAY) * 10) / 10, 'day');
}
