import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { ResolvedPurgeOptions } from '../../options/resolve-module-options.js';
import type { RowKey } from '../../sql/row-set.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import { retentionOf } from '../plan/due-times.js';
import type { PurgePlace } from '../plan/list-places.js';
import { preparePurge, readAllDueTimes } from '../plan/prepare-purge.js';
import type { EntityPlan } from '../plan/purge-planner.js';
import { createArchiveRuns } from '../run/archive-run.js';
import { brakeRuns } from '../run/apply-brake.js';
import { createRuns } from '../run/create-runs.js';
import type { EntityRun } from '../run/entity-run.js';
import { HoldWatch } from '../run/hold-watch.js';
import { milliseconds } from '../status/milliseconds.js';
import { refuseUnreachable } from '../status/report-unreachable.js';
import { type AskedRow, findAsked } from '../statements/find-asked.js';
import { CoveringHolds } from './covering-holds.js';
import { describeBlockers } from './describe-blockers.js';
import { explainSnapshots } from './explain-snapshots.js';
import { findLocked } from './find-locked.js';
import type { PurgeExplanation, PurgeRowState } from './purge-explanation.js';
import { refuseUnreadableKeys } from './refuse-unreadable-keys.js';
import type { AskedKey } from './require-keys.js';

type State = Pick<PurgeExplanation, 'state' | 'blockedBy'>;

/**
 * Says of each row whether a run would remove it now, and if not, why. The cost follows the rows and what references them, not all that
 * is due, but for the brake, which counts far enough to know whether it would stop the entity.
 *
 * @internal
 */
export async function explainRows(
  place: PurgePlace,
  connection: PurgeConnection,
  options: ResolvedPurgeOptions,
  name: string,
  keys: readonly AskedKey[],
): Promise<PurgeExplanation[]> {
  const { em } = place;
  const times = await readAllDueTimes(em, connection, options.retention);
  const archived = SoftDeleteCatalog.of(em)
    .allArchived()
    .find((entry) => entry.name === name);
  const holds = await CoveringHolds.read(em);
  if (archived) {
    const archiveRuns = createArchiveRuns(em, SoftDeleteCatalog.of(em), times.cutoffs, [], undefined);
    await brakeRuns(em, connection, [], archiveRuns, options.brake);
    const braked = new Set(archiveRuns.filter((run) => run.braked).map((run) => run.name));
    return explainSnapshots(em, connection, archived, keys, { times, holds, byDefault: options.retention, braked });
  }
  const { order, unreachable } = await preparePurge(place, connection);
  refuseUnreachable(unreachable, name);
  const plan = order.groups.flat().find(({ entity }) => entity.name === name)!;
  const cutoff = times.cutoffs.get(name);
  const retention = retentionOf(plan.entity, options.retention);
  const found = await refuseUnreadableKeys(name, () =>
    connection.read<AskedRow>(findAsked(plan.entity, sentKeys(keys), cutoff?.text, connection.quote), BY_KEY),
  );
  const runs = createRuns(em, order, times.cutoffs, [], undefined);
  await brakeRuns(em, connection, runs, [], options.brake);
  await HoldWatch.begin(em, connection, runs);
  const due = found.filter(({ isDue }) => isDue).map(({ key }) => key);
  const states = await explainDue(em, connection, runs, plan, [...new Set(due)]);

  return keys.map(({ key }, i): PurgeExplanation => {
    const row = found.find(({ n }) => n === String(i + 1));
    const deletedAt = row?.deletedAt == null ? undefined : milliseconds(row.deletedAt);
    const isKept = retention === 'forever';
    const otherwise = !row ? 'unknown' : deletedAt === undefined ? 'active' : isKept ? 'kept' : 'waiting';
    return {
      entity: name,
      key,
      isDue: row?.isDue ?? false,
      ...(deletedAt === undefined ? {} : { deletedAt: new Date(deletedAt) }),
      ...(deletedAt === undefined || isKept ? {} : { dueAt: new Date(deletedAt + retention) }),
      heldBy: row ? holds.of(plan.entity.meta, JSON.parse(row.key) as RowKey) : [],
      ...(row?.isDue ? states.get(row.key)! : { state: otherwise, blockedBy: [] }),
    };
  });
}

/** The state of due rows, by key. */
async function explainDue(
  em: EntityManager,
  connection: PurgeConnection,
  all: readonly EntityRun[],
  plan: EntityPlan,
  keys: readonly string[],
): Promise<ReadonlyMap<string, State>> {
  const own = all.find((run) => run.plan === plan);
  const runs = all.filter(({ braked }) => !braked);
  const e = runs.indexOf(own!);
  if (keys.length === 0 || e < 0) {
    return new Map(keys.map((key) => [key, { state: 'braked', blockedBy: [] }]));
  }
  const blocked = await describeBlockers(em, connection, runs, e, keys);
  const open = keys.filter((key) => !blocked.has(key));
  const locked = open.length > 0 ? await findLocked(connection, runs, e, open) : new Map<EntityRun, string[]>();
  const isAnyLocked = [...locked.values()].some((some) => some.length > 0);
  // What waits for a locked row is what that row would block.
  const waiting = isAnyLocked ? await describeBlockers(em, connection, runs, e, open, locked) : new Map();
  const stateOf = (key: string): PurgeRowState =>
    own!.held.has(key) ? 'held' : blocked.has(key) ? 'blocked' : waiting.has(key) ? 'locked' : 'removable';
  return new Map(keys.map((key) => [key, { state: stateOf(key), blockedBy: blocked.get(key) ?? [] }]));
}

function sentKeys(keys: readonly AskedKey[]): string[] {
  return keys.map(({ sent }) => JSON.stringify(sent));
}
