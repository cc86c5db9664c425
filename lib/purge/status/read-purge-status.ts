import type { Cutoff, DueTimes } from '../plan/due-times.js';
import { describeUnreachable } from '../plan/find-unreachable.js';
import type { DeletedRows } from '../plan/key-graph.js';
import { countedStatus, statusOf } from './entity-status.js';
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

async function count(
  connection: PurgeConnection,
  rows: DeletedRows,
  cutoff: Cutoff | undefined,
  settings = COUNTING,
): Promise<ReturnType<typeof countedStatus>> {
  const [row] = await connection.read<StatusRow>(readStatus(rows, cutoff?.text, connection.quote), settings);
  return countedStatus(row!, cutoff);
}
