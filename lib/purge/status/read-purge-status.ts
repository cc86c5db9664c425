import { type Cutoff, type DueTimes, retentionOf } from '../plan/due-times.js';
import { describeUnreachable } from '../plan/find-unreachable.js';
import type { DeletedRows, PurgeEntity } from '../plan/key-graph.js';
import { milliseconds } from './milliseconds.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PlannedEntities } from '../plan/purge-planner.js';
import type { PurgeEntityStatus } from './purge-status.js';
import { readOpen } from './read-open.js';
import { BY_KEY, COUNTING } from '../fragments/plan-settings.js';
import { readStatus, type StatusRow } from '../statements/read-status.js';

/** Counts what there is to purge, and the rows that the purge leaves alone. @internal */
export async function readPurgeStatus(
  connection: PurgeConnection,
  { plans, unreachable }: PlannedEntities,
  { cutoffs }: DueTimes,
  byDefault: number | 'forever',
): Promise<PurgeEntityStatus[]> {
  const open = await readOpen(connection, plans, cutoffs);
  const entities: PurgeEntityStatus[] = [];
  for (const { entity } of plans) {
    const cutoff = cutoffs.get(entity.name);
    const { blocked = 0, overdueBy = 0 } = open.get(entity) ?? {};
    entities.push({
      ...statusOf(entity, entity.table.label, cutoff, byDefault),
      ...(await count(connection, entity, cutoff, entity.hasPurgeIndex ? BY_KEY : COUNTING)),
      blocked,
      overdueBy,
    });
  }
  for (const each of unreachable) {
    const { entry, table, rows } = each;
    const cutoff = cutoffs.get(entry.name);
    const counted = {
      ...statusOf(entry, table, cutoff, byDefault),
      ...(rows && (await count(connection, rows, cutoff))),
    };
    entities.push(cutoff ? { ...counted, error: describeUnreachable(each) } : counted);
  }
  return entities;
}

/** Without any rows. */
function statusOf(
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

async function count(
  connection: PurgeConnection,
  rows: DeletedRows,
  cutoff: Cutoff | undefined,
  settings = COUNTING,
): Promise<Pick<PurgeEntityStatus, 'deleted' | 'due' | 'oldestDue' | 'overdueBy'>> {
  const [row] = await connection.read<StatusRow>(readStatus(rows, cutoff?.text, connection.quote), settings);
  const oldestDue = row!.oldestDue === null ? undefined : new Date(milliseconds(row!.oldestDue));
  const overdueBy = cutoff && oldestDue ? Math.max(0, cutoff.date.getTime() - oldestDue.getTime()) : 0;
  return { deleted: Number(row!.deleted), due: Number(row!.due), oldestDue, overdueBy };
}
