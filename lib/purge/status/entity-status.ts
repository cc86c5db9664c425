import { type Cutoff, retentionOf } from '../plan/due-times.js';
import type { PurgeEntity } from '../plan/key-graph.js';
import type { StatusRow } from '../statements/read-status.js';
import { milliseconds } from './milliseconds.js';
import type { PurgeEntityStatus } from './purge-status.js';

/** The status of an entity without any rows. @internal */
export function statusOf(
  entity: Pick<PurgeEntity, 'name' | 'retention'>,
  table: string,
  cutoff: Cutoff | undefined,
  byDefault: number | 'forever',
): PurgeEntityStatus {
  return {
    entity: entity.name,
    table,
    retention: retentionOf(entity, byDefault),
    cutoff: cutoff?.date,
    deleted: 0,
    due: 0,
    blocked: 0,
    oldestDue: undefined,
    overdueBy: 0,
  };
}

/** What was counted of it. @internal */
export function countedStatus(
  { deleted, due, oldestDue: oldest }: StatusRow,
  cutoff: Cutoff | undefined,
): Pick<PurgeEntityStatus, 'deleted' | 'due' | 'oldestDue' | 'overdueBy'> {
  const oldestDue = oldest === null ? undefined : new Date(milliseconds(oldest));
  const overdueBy = cutoff && oldestDue ? Math.max(0, cutoff.date.getTime() - oldestDue.getTime()) : 0;
  return { deleted: Number(deleted), due: Number(due), oldestDue, overdueBy };
}
