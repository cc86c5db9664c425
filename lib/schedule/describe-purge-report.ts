import type { PurgeReport } from '../purge/purge-report.js';

type Counts = 'purged' | 'blocked' | 'failed' | 'locked';

const OUTCOMES: Readonly<Record<PurgeReport['outcome'], string>> = {
  completed: 'completed',
  'time-budget': 'ended by its time budget',
  aborted: 'aborted',
  'row-limit': 'ended by maxRows',
  throttled: 'ended by its throttle',
  braked: 'braked',
};

/**
 * What a run did, as one line for a log.
 *
 * @internal
 */
export function describePurgeReport({ outcome, startedAt, finishedAt, total, entities }: PurgeReport): string {
  const sum = (count: Counts) => entities.reduce((all, entity) => all + entity[count], 0);
  const removed = [...Map.groupBy(entities, ({ entity }) => entity)]
    .map(([entity, all]) => [entity, all.reduce((rows, { purged }) => rows + purged, 0)] as const)
    .flatMap(([entity, rows]) => (rows > 0 ? [`${entity} ${rows}`] : []));
  const braked = entities.flatMap(({ entity, braked }) =>
    braked ? [` ${entity} was left alone: ${braked.due} rows are due, and ${braked.limit} at most are usual.`] : [],
  );
  return [
    `Purge ${OUTCOMES[outcome]} after ${finishedAt.getTime() - startedAt.getTime()} ms: ${total} ${total === 1 ? 'row' : 'rows'} removed`,
    removed.length > 0 ? ` (${removed.join(', ')})` : '',
    `, ${sum('blocked')} blocked, ${sum('failed')} failed, ${sum('locked')} locked.`,
    ...braked,
  ].join('');
}
