import { type Cutoff, type DueTimes, retentionOf } from '../plan/due-times.js';
import type { DeletedRows, PurgeEntity, UnreachableEntity } from '../plan/key-graph.js';
import { milliseconds } from './milliseconds.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import type { PurgeEntityStatus } from './purge-status.js';
import { readOpen } from './read-open.js';
import { describeUnreachable } from './report-unreachable.js';
import { BY_KEY, COUNTING } from '../fragments/plan-settings.js';
import { readStatus, type StatusRow } from '../statements/read-status.js';

/** The entities of one place. @internal */
export interface PlacedPlans {
  readonly plans: readonly EntityPlan[];
  readonly unreachable: readonly UnreachableEntity[];
}

/** Counts what there is to purge, and the rows that the purge leaves alone. @internal */
export async function readPurgeStatus(
  connection: PurgeConnection,
  { plans, unreachable }: PlacedPlans,
  { cutoffs }: DueTimes,
  byDefault: number | 'forever',
): Promise<PurgeEntityStatus[]> {
  const open = await readOpen(connection, plans, cutoffs);
  const entities: PurgeEntityStatus[] = [];
  for (const { entity } of plans) {
    const counted = await countRows(connection, entity, entity, cutoffs.get(entity.name), byDefault);
    const { blocked = 0, overdueBy = 0 } = open.get(entity) ?? {};
    entities.push({ ...counted, blocked, overdueBy });
  }
  for (const each of unreachable) {
    const { entry, seen } = each;
    if (seen) {
      const counted = await countRows(connection, entry, seen, cutoffs.get(entry.name), byDefault);
      entities.push(counted.cutoff ? { ...counted, error: describeUnreachable(each) } : counted);
    }
  }
  return entities;
}

async function countRows(
  connection: PurgeConnection,
  entity: Pick<PurgeEntity, 'name' | 'retention'> & Partial<Pick<PurgeEntity, 'hasPurgeIndex'>>,
  rows: DeletedRows,
  cutoff: Cutoff | undefined,
  byDefault: number | 'forever',
): Promise<PurgeEntityStatus> {
  const [row] = await connection.read<StatusRow>(
    readStatus(rows, cutoff?.text, connection.quote),
    entity.hasPurgeIndex ? BY_KEY : COUNTING,
  );
  const oldestDue = row!.oldestDue === null ? undefined : new Date(milliseconds(row!.oldestDue));
  return {
    entity: entity.name,
    table: rows.table.label,
    retention: retentionOf(entity, byDefault),
    cutoff: cutoff?.date,
    deleted: Number(row!.deleted),
    due: Number(row!.due),
    blocked: 0,
    oldestDue,
    overdueBy: cutoff && oldestDue ? Math.max(0, cutoff.date.getTime() - oldestDue.getTime()) : 0,
  };
}
