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
import type { ForBrakeRow } from '../statements/read-archive-status.js';
import type { ArchiveRun } from './archive-run.js';
import type { EntityRun } from './entity-run.js';
import { judgeDue } from '../status/judge-due.js';

/**
 * Applies the brake, if there is one.
 *
 * @internal
 */
export async function brakeRuns(
  em: EntityManager,
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  archived: readonly ArchiveRun[],
  brake: ResolvedBrakeOptions | false,
): Promise<void> {
  if (brake) {
    const records = findInstallation(em)?.records;
    const table = records && tableName(em, records);
    await applyBrake(connection, runs, brake, table);
    for (const run of archived) {
      await judgeArchived(connection, run, brake, table);
    }
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
  brake: ResolvedBrakeOptions,
  records: string | undefined,
): Promise<void> {
  const [count] = await connection.read<{ due: number }>(countDue(run.rows, Number.MAX_SAFE_INTEGER), COUNTING);
  const history = await readHistory(connection, records, run.plan.entity.name);
  run.braked = await judgeDue(brake, count!.due, history, async (enough) => {
    const [other] = await connection.read<{ rows: string }>(countOtherRows(run.rows, enough), COUNTING);
    return Number(other!.rows);
  });
}

async function judgeArchived(
  connection: PurgeConnection,
  run: ArchiveRun,
  brake: ResolvedBrakeOptions,
  records: string | undefined,
): Promise<void> {
  const count = async (limit: number) => (await connection.read<ForBrakeRow>(run.countForBrake(connection, limit)))[0]!;
  if ((await count(brake.atLeast + 1)).due > brake.atLeast) {
    const { due } = await count(Number.MAX_SAFE_INTEGER);
    const history = await readHistory(connection, records, run.name);
    run.braked = await judgeDue(brake, due, history, async (enough) => (await count(enough)).others);
  }
}

async function readHistory(
  connection: PurgeConnection,
  records: string | undefined,
  entity: string,
): Promise<UsualRow | undefined> {
  const [history] = records ? await connection.read<UsualRow>(readUsual(records, entity, connection.quote)) : [];
  return history;
}
