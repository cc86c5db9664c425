import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { DueTimes } from '../plan/due-times.js';
import type { PurgeEntityReport } from '../purge-report.js';
import { reportSkipped } from './report-skipped.js';

const PROBLEM = "lives in the schema of the entity manager (schema '*'), and nothing says which schemas there are.";
const ADVICE = "Set purge.schemas to a function that lists them, or name one: { schema: 'tenant_1' }.";

/**
 * What a run says of entities that live in the schema of the entity manager, where it has none.
 *
 * @param asked - the names of the entities that are to be purged, if not all
 * @param isJob - whether a job has named them
 * @throws SoftDeleteConfigError if somebody has asked for one of them by its name
 * @internal
 */
export function reportWithoutSchema(
  withoutSchema: readonly SoftDeletableEntityMetadata[],
  cutoffs: DueTimes['cutoffs'],
  { entities: asked, isJob }: { readonly entities: readonly string[] | undefined; readonly isJob: boolean },
): PurgeEntityReport[] {
  if (!isJob) {
    asked?.forEach((name) => refuseWithoutSchema(withoutSchema, name));
  }
  const skipped = withoutSchema.filter(({ name }) => !asked || asked.includes(name));
  return reportSkipped(skipped, cutoffs, '*', (name) => `${name} ${PROBLEM} ${ADVICE}`);
}

/**
 * @throws SoftDeleteConfigError if somebody asks for such an entity by its name
 * @internal
 */
export function refuseWithoutSchema(withoutSchema: readonly SoftDeletableEntityMetadata[], name: string): void {
  if (withoutSchema.some((entity) => entity.name === name)) {
    throw new SoftDeleteConfigError(`The entity ${name}`, `it ${PROBLEM}`, ADVICE);
  }
}
