import { type DueTimes, retentionOf } from '../plan/due-times.js';
import { milliseconds } from './milliseconds.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import type { PurgeEntityStatus } from './purge-status.js';
import { readOpen } from './read-open.js';
import { BY_KEY, COUNTING } from '../fragments/plan-settings.js';
import { readStatus, type StatusRow } from '../statements/read-status.js';

/** Counts what there is to purge. @internal */
export async function readPurgeStatus(
  connection: PurgeConnection,
  plans: readonly EntityPlan[],
  { cutoffs }: DueTimes,
  byDefault: number | 'forever',
): Promise<PurgeEntityStatus[]> {
  const open = await readOpen(connection, plans, cutoffs);
  const entities: PurgeEntityStatus[] = [];
  for (const { entity } of plans) {
    const cutoff = cutoffs.get(entity.name);
    const [row] = await connection.read<StatusRow>(
      readStatus(entity, cutoff?.text, connection.quote),
      entity.hasPurgeIndex ? BY_KEY : COUNTING,
    );
    const found = open.get(entity);
    entities.push({
      entity: entity.name,
      table: entity.table.label,
      retention: retentionOf(entity, byDefault),
      cutoff: cutoff?.date,
      deleted: Number(row!.deleted),
      due: Number(row!.due),
      blocked: found?.blocked ?? 0,
      oldestDue: row!.oldestDue === null ? undefined : new Date(milliseconds(row!.oldestDue)),
      overdueBy: found?.overdueBy ?? 0,
    });
  }
  return entities;
}
