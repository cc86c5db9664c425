import type { DueTimes } from '../plan/due-times.js';
import type { PurgeEntityReport } from '../purge-report.js';

/**
 * What a run says of entities that it did not look at, if they have a retention.
 *
 * @param error - why not
 * @internal
 */
export function reportSkipped(
  entities: readonly { readonly name: string; readonly table: string }[],
  cutoffs: DueTimes['cutoffs'],
  error: string,
): PurgeEntityReport[] {
  return entities.flatMap(({ name, table }) => {
    const cutoff = cutoffs.get(name);
    return cutoff
      ? [
          {
            entity: name,
            table,
            cutoff: cutoff.date,
            purged: 0,
            blocked: 0,
            failed: 0,
            locked: 0,
            held: 0,
            batches: 0,
            durationMs: 0,
            blockedBy: [],
            failures: [],
            error,
          },
        ]
      : [];
  });
}
