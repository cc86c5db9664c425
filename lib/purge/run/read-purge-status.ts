import { type DueTimes, retentionOf } from '../plan/due-times.js';
import { EntityRun } from './entity-run.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeOrder } from '../plan/purge-planner.js';
import type { PurgeEntityStatus, PurgeStatus } from './purge-status.js';
import { COUNTING } from '../fragments/plan-settings.js';
import { readOldestOpen } from '../statements/read-oldest-open.js';
import { readStatus, type StatusRow } from '../statements/read-status.js';
import { survey } from './count-blocked.js';

/** The earliest time that a `Date` can hold: the database knows `-infinity`. */
const EARLIEST = -8.64e15;

/** Counts what there is to purge. @internal */
export async function readPurgeStatus(
  connection: PurgeConnection,
  { groups }: PurgeOrder,
  { now, cutoffs }: DueTimes,
  byDefault: number | 'forever',
): Promise<PurgeStatus> {
  const plans = groups.flat();
  const runs = plans.flatMap((plan) => {
    const cutoff = cutoffs.get(plan.entity.name);
    return cutoff ? [new EntityRun(plan, cutoff, [], connection.platform)] : [];
  });
  const surveyed = await survey(connection, runs);
  const oldest =
    runs.length > 0
      ? await connection.read<{ e: number; oldest: string | null }>(
          readOldestOpen(runs.map(({ rows }) => ({ ...rows, failed: [] }))),
          COUNTING,
        )
      : [];
  const entities: PurgeEntityStatus[] = [];
  for (const { entity } of plans) {
    const cutoff = cutoffs.get(entity.name);
    const [row] = await connection.read<StatusRow>(readStatus(entity, cutoff?.text, connection.quote), COUNTING);
    const e = runs.findIndex(({ plan }) => plan.entity === entity);
    const open = oldest.find((found) => found.e === e)?.oldest ?? undefined;
    entities.push({
      entity: entity.name,
      table: entity.table.label,
      retention: retentionOf(entity, byDefault),
      cutoff: cutoff?.date,
      deleted: Number(row!.deleted),
      due: Number(row!.due),
      blocked: surveyed[e]?.blocked ?? 0,
      oldestDue: row!.oldestDue === null ? undefined : new Date(milliseconds(row!.oldestDue)),
      overdueBy: cutoff && open !== undefined ? Math.max(0, Math.round(cutoff.date.getTime() - milliseconds(open))) : 0,
    });
  }
  return { at: now, entities };
}

function milliseconds(sinceEpoch: string): number {
  return Math.max(EARLIEST, Number(sinceEpoch));
}
