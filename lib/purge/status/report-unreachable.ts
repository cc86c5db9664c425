import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { DueTimes } from '../plan/due-times.js';
import { describeUnreachable } from '../plan/find-unreachable.js';
import type { UnreachableEntity } from '../plan/key-graph.js';
import type { PurgeEntityReport } from '../purge-report.js';
import { reportSkipped } from './report-skipped.js';

/**
 * What a run says of entities whose tables the purge cannot reach.
 *
 * @param asked - the names of the entities that are to be purged, if not all
 * @param isJob - whether a job has named them
 * @throws SoftDeleteConfigError if somebody has asked for one of them by its name
 * @internal
 */
export function reportUnreachable(
  unreachable: readonly UnreachableEntity[],
  cutoffs: DueTimes['cutoffs'],
  { entities: asked, isJob }: { readonly entities: readonly string[] | undefined; readonly isJob: boolean },
): PurgeEntityReport[] {
  if (!isJob) {
    asked?.forEach((name) => refuseUnreachable(unreachable, name));
  }
  return unreachable
    .filter(({ entry }) => !asked || asked.includes(entry.name))
    .flatMap((each) =>
      reportSkipped([{ name: each.entry.name, table: each.table }], cutoffs, describeUnreachable(each)),
    );
}

/**
 * @throws SoftDeleteConfigError if somebody asks for such an entity by its name
 * @internal
 */
export function refuseUnreachable(unreachable: readonly UnreachableEntity[], name: string): void {
  const found = unreachable.find(({ entry }) => entry.name === name);
  if (found) {
    throw new SoftDeleteConfigError(`The entity ${name}`, `it ${found.problem}`, found.advice);
  }
}
