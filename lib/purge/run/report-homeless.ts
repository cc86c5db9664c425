import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { DueTimes } from '../plan/due-times.js';
import type { PurgeEntityReport } from '../purge-report.js';

const PROBLEM = "lives in the schema of the entity manager (schema '*'), and the run has none.";
const ADVICE = "Run the purge once for each schema: run({ schema: 'tenant_1' }).";

/**
 * What a run says of entities that live in the schema of the entity manager, where it has none.
 *
 * @param asked - the names of the entities that are to be purged, if not all
 * @param isJob - whether a job has named them
 * @throws SoftDeleteConfigError if somebody has asked for one of them by its name
 * @internal
 */
export function reportHomeless(
  homeless: readonly SoftDeletableEntityMetadata[],
  cutoffs: DueTimes['cutoffs'],
  { entities: asked, isJob }: { readonly entities: readonly string[] | undefined; readonly isJob: boolean },
): PurgeEntityReport[] {
  return homeless.flatMap(({ name, meta }) => {
    const cutoff = cutoffs.get(name);
    if (!isJob) {
      asked?.forEach((one) => refuseHomeless(homeless, one));
    }
    return cutoff && (!asked || asked.includes(name))
      ? [
          {
            entity: name,
            table: `*.${meta.tableName}`,
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
            error: `${name} ${PROBLEM} ${ADVICE}`,
          },
        ]
      : [];
  });
}

/**
 * @throws SoftDeleteConfigError if somebody asks for such an entity by its name
 * @internal
 */
export function refuseHomeless(homeless: readonly SoftDeletableEntityMetadata[], name: string): void {
  if (homeless.some((entity) => entity.name === name)) {
    throw new SoftDeleteConfigError(`The entity ${name}`, `it ${PROBLEM}`, ADVICE);
  }
}
