import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { DueTimes } from '../plan/due-times.js';
import type { PurgeEntityReport } from '../purge-report.js';

/**
 * What a run says of entities that it did not look at, if they have a retention.
 *
 * @param schema - where their tables are
 * @internal
 */
export function reportSkipped(
  entities: readonly SoftDeletableEntityMetadata[],
  cutoffs: DueTimes['cutoffs'],
  schema: string,
  errorOf: (name: string) => string,
): PurgeEntityReport[] {
  return entities.flatMap(({ name, meta }) => {
    const cutoff = cutoffs.get(name);
    return cutoff
      ? [
          {
            entity: name,
            table: `${schema}.${meta.tableName}`,
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
            error: errorOf(name),
          },
        ]
      : [];
  });
}
