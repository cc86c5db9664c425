import type { EntityRun } from '../run/entity-run.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeBlock } from '../purge-report.js';
import { countBlocked, type BlockedCountRow } from '../statements/count-blocked.js';
import type { CountingPlan } from './plan-counting.js';

/** The due rows of one entity at one moment. @internal */
export interface DueCounts {
  readonly due: number;
  readonly blocked: number;
  readonly blockedBy: readonly PurgeBlock[];
  /** Due rows that neither are blocked nor have failed. */
  readonly open: number;
}

/** Counts what is due and what stands in its way. Reads only. @internal */
export async function countDueRows(
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  { areFew, settings }: CountingPlan,
): Promise<DueCounts[]> {
  if (runs.length === 0) {
    return [];
  }
  const counted = runs.map((run) => ({ ...run.rows, failed: [...run.failures.keys()] }));
  const rows = await connection.read<BlockedCountRow>(countBlocked(counted, areFew), settings);
  return runs.map(({ plan }, e) => {
    const count = (what: string) => Number(rows.find((row) => row.e === e && row.what === what)?.count ?? 0);
    const blockedBy = plan.blockers
      .map(({ hops }, via) => {
        const { from, constraint } = hops.at(-1)!.reference;
        return { table: from.label, constraint, rows: count(String(via)) };
      })
      .filter((block) => block.rows > 0);
    const due = count('due');
    const blocked = count('blocked');
    return { due, blocked, blockedBy, open: due - blocked - count('failed') };
  });
}
