import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { contextOf } from '../../installation/context-of.js';
import { findInstallation } from '../../installation/installation.js';
import { classifyFailure } from '../connection/classify-failure.js';
import { HoldsChangedError } from '../connection/holds-changed.error.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { fixedSettings } from '../fragments/batch-settings.js';
import type { Cutoff } from '../plan/due-times.js';
import { countMonth, dropMonth, type DroppableMonth, listEntities, listMonths } from '../statements/list-months.js';
import type { HoldWatch } from './hold-watch.js';
import type { StopSignal } from './stop-signal.js';

/** What is to be purged of an archived entity. @internal */
export interface MonthlyRun {
  readonly meta: EntityMetadata;
  readonly cutoff: Cutoff;
  /** Whether rows can go without being looked at. */
  readonly mayGoUnseen: boolean;
  /** Is told how many rows of the entity are gone. */
  removed(count: number): void;
}

/**
 * Drops the months of the archive of which everything is due: in a moment, however many rows they have, and without a trace in the table
 * and its indexes. What cannot be dropped now, because somebody works with the archive, is left to be removed row by row.
 *
 * @param runs - of entities that may be purged as a whole
 * @internal
 */
export async function dropMonths(
  em: EntityManager,
  connection: PurgeConnection,
  archive: string,
  runs: readonly MonthlyRun[],
  { lockTimeout, holds }: { readonly lockTimeout: number; readonly holds: HoldWatch | undefined },
  stop: StopSignal,
): Promise<void> {
  const latest = runs
    .map(({ cutoff }) => cutoff.text)
    .toSorted()
    .at(-1);
  if (latest === undefined) {
    return;
  }
  for (const month of await connection.read<DroppableMonth & Record<string, unknown>>(
    listMonths(archive, latest, connection.quote),
  )) {
    stop.throwIfStopped();
    const byEntity = new Map(
      runs
        .filter((run) => run.cutoff.text >= month.until && run.mayGoUnseen && !holds?.mayCover(run.meta))
        .map((run) => [run.meta.className, run]),
    );
    const entities = await connection.read<{ entity: string }>(listEntities(month));
    if (entities.every(({ entity }) => byEntity.has(entity))) {
      await removeMonth(em, connection, month, byEntity, lockTimeout).catch(unlessBusy(() => holds?.refresh()));
    }
  }
}

async function removeMonth(
  em: EntityManager,
  connection: PurgeConnection,
  month: DroppableMonth,
  byEntity: ReadonlyMap<string, MonthlyRun>,
  lockTimeout: number,
): Promise<void> {
  const gone = await connection.transaction(fixedSettings(lockTimeout), async (transaction) => {
    // Lets others read while rows are counted, and nobody restore. The drop locks everybody out, for a moment.
    await transaction.change(`lock table ${month.name} in share row exclusive mode`);
    const counts = await transaction.execute<{ entity: string; count: number }>(countMonth(month));
    if (!counts.every(({ entity }) => byEntity.has(entity))) {
      return [];
    }
    const installation = findInstallation(em);
    const parts = counts.map(({ entity, count }) => ({ meta: byEntity.get(entity)!.meta, count, span: month }));
    if (installation?.operations.isAttended) {
      for (const [cutoff, of] of Map.groupBy(parts, ({ meta }) => byEntity.get(meta.className)!.cutoff)) {
        await transaction.notify({ action: 'purged', ...contextOf(installation), unit: cutoff, parts: of });
      }
    }
    await transaction.change(dropMonth(month));
    return counts;
  });
  gone.forEach(({ entity, count }) => byEntity.get(entity)!.removed(count));
}

/** Somebody holds a lock, or has placed a hold: what was to be done is still to do, in another way or later. */
function unlessBusy(holdsChanged: () => Promise<void> | undefined) {
  return async (error: unknown): Promise<void> => {
    if (error instanceof HoldsChangedError) {
      await holdsChanged();
    } else if (!['locked', 'again'].includes(classifyFailure(error))) {
      throw error;
    }
  };
}
