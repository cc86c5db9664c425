import type { EntityManager } from '@mikro-orm/postgresql';
import { findInstallation } from '../../installation/installation.js';
import type { ResolvedBrakeOptions } from '../../options/brake-options.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { COUNTING, IN_ORDER } from '../fragments/plan-settings.js';
import { tableName } from '../../sql/table-name.js';
import { countDue } from '../statements/count-due.js';
import { countDueAtMost } from '../statements/count-due-at-most.js';
import { countOtherRows } from '../statements/count-other-rows.js';
import { readUsual, type UsualRow } from '../statements/read-usual.js';
import type { EntityRun } from './entity-run.js';

/** How many runs have to be on record before they tell what is usual. */
const ENOUGH_RUNS = 10;

/**
 * Applies the brake, if there is one.
 *
 * @internal
 */
export async function brakeRuns(
  em: EntityManager,
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  brake: ResolvedBrakeOptions | false,
): Promise<void> {
  if (brake) {
    const records = findInstallation(em)?.records;
    await applyBrake(connection, runs, brake, records && tableName(em, records));
  }
}

/**
 * Marks the entities of a run of which far more rows are due than usual. Costs one statement that counts no further than to `atLeast`,
 * and a few more for an entity beyond that; none reads more rows than are due.
 *
 * @param records - the table of records, if there is one
 */
async function applyBrake(
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  brake: ResolvedBrakeOptions,
  records: string | undefined,
): Promise<void> {
  if (runs.length === 0) {
    return;
  }
  const rows = runs.map((run) => run.rows);
  const isIndexed = rows.every(({ plan }) => plan.entity.hasPurgeIndex);
  const settings = isIndexed ? IN_ORDER : COUNTING;
  const counts = await connection.read<{ e: number; due: number }>(countDueAtMost(rows, brake.atLeast + 1), settings);
  for (const { e } of counts.filter(({ due }) => due > brake.atLeast)) {
    await judge(connection, runs[e]!, brake, records);
  }
}

async function judge(
  connection: PurgeConnection,
  run: EntityRun,
  { factor, atLeast, share }: ResolvedBrakeOptions,
  records: string | undefined,
): Promise<void> {
  const [count] = await connection.read<{ due: number }>(countDue(run.rows, Number.MAX_SAFE_INTEGER), COUNTING);
  const { due } = count!;
  const [history] = records
    ? await connection.read<UsualRow>(readUsual(records, run.plan.entity.name, connection.quote))
    : [];
  if (history && history.runs >= ENOUGH_RUNS) {
    const usual = Math.round(history.median!);
    const limit = Math.max(atLeast, Math.floor(history.median! * factor));
    run.braked = due > limit ? { due, usual, limit } : undefined;
    return;
  }
  // So many other rows make the due ones a share that is small enough; there is no need to count further.
  const enough = Math.ceil((due * (1 - share)) / share);
  const [other] = await connection.read<{ rows: string }>(countOtherRows(run.rows, enough), COUNTING);
  const others = Number(other!.rows);
  if (others < enough) {
    const limit = Math.max(atLeast, Math.floor((due + others) * share));
    run.braked = due > limit ? { due, limit } : undefined;
  }
}
