import type { DueTimes } from '../plan/due-times.js';
import { EntityRun } from '../run/entity-run.js';
import type { PurgeEntity } from '../plan/key-graph.js';
import { milliseconds } from './milliseconds.js';
import { planCounting } from './plan-counting.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import { readOldestOpen } from '../statements/read-oldest-open.js';
import { countDueRows } from './count-due-rows.js';

/** The due rows of one entity. @internal */
export interface OpenRows {
  readonly due: number;
  readonly blocked: number;
  /** For how many milliseconds the oldest of them has been due that nothing blocks. */
  readonly overdueBy: number;
}

/** Counts due rows, tells those that are blocked from the rest, and finds the oldest of the rest. The cost follows the due rows. @internal */
export async function readOpen(
  connection: PurgeConnection,
  plans: readonly EntityPlan[],
  cutoffs: DueTimes['cutoffs'],
): Promise<ReadonlyMap<PurgeEntity, OpenRows>> {
  const runs = plans.flatMap((plan) => {
    const cutoff = cutoffs.get(plan.entity.name);
    return cutoff ? [new EntityRun(plan, cutoff, [], connection.platform)] : [];
  });
  if (runs.length === 0) {
    return new Map();
  }
  const rows = runs.map((run) => ({ ...run.rows, failed: [] }));
  const plan = await planCounting(connection, rows);
  const counted = await countDueRows(connection, runs, plan);
  const oldest = await connection.read<{ e: number; oldest: string | null }>(
    readOldestOpen(rows, plan.areFew),
    plan.settings,
  );
  return new Map(
    runs.map((run, e) => {
      const { due, blocked } = counted[e]!;
      const open = oldest.find((found) => found.e === e)?.oldest ?? undefined;
      const overdueBy =
        open === undefined ? 0 : Math.max(0, Math.round(run.cutoff.date.getTime() - milliseconds(open)));
      return [run.plan.entity, { due, blocked, overdueBy }];
    }),
  );
}
