import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { closestName } from '../../options/closest-name.js';
import type { PurgeJob } from './list-jobs.js';

/**
 * The job that a queue asks for. A name that an earlier release gave to a smaller group finds the group that its entity is in now, since
 * queues keep names for long.
 *
 * @throws SoftDeleteConfigError if there is none
 * @internal
 */
export function findJob(jobs: readonly PurgeJob[], asked: unknown): PurgeJob {
  const name: unknown = typeof asked === 'object' && asked !== null && 'name' in asked ? asked.name : asked;
  const found =
    jobs.find((job) => job.name === name) ??
    jobs.find((job) => job.entities.some((entity) => `${prefixOf(job)}${entity}` === name));
  if (found) {
    return found;
  }
  const names = jobs.map((job) => job.name);
  const closest = typeof name === 'string' ? closestName(name, names) : undefined;
  throw new SoftDeleteConfigError(
    'runJob()',
    `there is no job ${showValue(name)}.`,
    closest ? `Did you mean ${closest}?` : `The jobs are: ${names.join(', ') || 'none, since no entity is marked'}.`,
  );
}

function prefixOf({ name, entities }: PurgeJob): string {
  return name.slice(0, name.length - entities[0]!.length);
}
