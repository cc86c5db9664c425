import { performance } from 'node:perf_hooks';
import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { schemaOf } from '../../archive/snapshot/write-snapshots.js';
import { contextOf } from '../../installation/context-of.js';
import { findInstallation } from '../../installation/installation.js';
import type { ResolvedPurgeOptions } from '../../options/resolve-module-options.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { BATCH_SIZE_LIMITS } from '../batch/batch-size.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { Cutoff } from '../plan/due-times.js';
import type { PurgeEntityReport } from '../purge-report.js';
import {
  countSnapshots,
  deleteSnapshots,
  type DueSnapshots,
  type GoneSnapshots,
} from '../statements/delete-snapshots.js';
import { dropMonths, type MonthlyRun } from './drop-months.js';
import type { HoldWatch } from './hold-watch.js';
import type { StopSignal } from './stop-signal.js';
import { unlessHoldsChanged } from './unless-holds-changed.js';

/** @internal */
export interface ArchiveRunOptions extends Pick<ResolvedPurgeOptions, 'pauseBetweenBatches' | 'lockTimeout'> {
  readonly batchSize?: number | undefined;
  readonly dryRun: boolean;
  readonly holds: HoldWatch | undefined;
}

/** The runs of archived entities that have a retention. @internal */
export function createArchiveRuns(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  cutoffs: ReadonlyMap<string, Cutoff>,
  asked: readonly string[] | undefined,
): ArchiveRun[] {
  return catalog.allArchived().flatMap(({ name, meta }) => {
    const cutoff = cutoffs.get(name);
    return cutoff && (!asked || asked.includes(name)) ? [new ArchiveRun(em, meta, cutoff)] : [];
  });
}

/** @internal */
export async function runOnArchive(
  runs: readonly ArchiveRun[],
  connection: PurgeConnection,
  options: ArchiveRunOptions,
  stop: StopSignal,
): Promise<void> {
  const [first] = runs;
  if (first && !options.dryRun) {
    await dropMonths(first.em, connection, archiveTable(first.em), runs, options, stop);
  }
  for (const run of runs) {
    await (options.dryRun ? run.rehearse(connection, options) : run.purge(connection, options, stop));
  }
}

/** In milliseconds. */
const STATEMENT_TIMEOUT = 60_000;

/** What one run has done with the archived rows of one entity so far. @internal */
export class ArchiveRun implements MonthlyRun {
  purged = 0;
  #batches = 0;
  #locked = 0;
  #held = 0;
  #durationMs = 0;
  readonly #due: DueSnapshots;

  constructor(
    readonly em: EntityManager,
    readonly meta: EntityMetadata,
    readonly cutoff: Cutoff,
  ) {
    this.#due = {
      archive: archiveTable(em),
      entity: meta.className,
      schema: em.schema === undefined ? undefined : schemaOf(em, meta),
      cutoff: cutoff.text,
      after: undefined,
    };
  }

  /** Whether the run is not for rows of one schema among others. */
  get isOfAllSchemas(): boolean {
    return !this.#due.schema;
  }

  /** What a run would come to, without one. */
  async rehearse(connection: PurgeConnection, { holds }: ArchiveRunOptions): Promise<void> {
    const due = await this.#count(connection);
    [this.purged, this.#held] = holds?.mayCover(this.meta) ? [0, due] : [due, 0];
  }

  /** Removes unit after unit in short transactions. */
  async purge(
    connection: PurgeConnection,
    { pauseBetweenBatches, lockTimeout, batchSize = BATCH_SIZE_LIMITS.start, holds }: ArchiveRunOptions,
    stop: StopSignal,
  ): Promise<void> {
    const start = performance.now();
    try {
      for (let after: string | undefined; ;) {
        stop.throwIfStopped();
        if (holds?.mayCover(this.meta)) {
          this.#held = await this.#count(connection);
          return;
        }
        const began = performance.now();
        const batch = await this.#removeBatch(connection, lockTimeout, batchSize, after).catch(unlessHoldsChanged);
        if (!batch) {
          await holds!.refresh();
          continue;
        }
        if (batch.last === null) {
          break;
        }
        after = batch.last;
        if (batch.removed > 0) {
          await stop.pause(pauseBetweenBatches ?? performance.now() - began);
        }
      }
      this.#locked = await this.#count(connection);
    } finally {
      this.#durationMs += performance.now() - start;
    }
  }

  async #removeBatch(
    connection: PurgeConnection,
    lockTimeout: number,
    size: number,
    after: string | undefined,
  ): Promise<GoneSnapshots> {
    const settings = {
      lockTimeout,
      statementTimeout: STATEMENT_TIMEOUT,
      idleTimeout: STATEMENT_TIMEOUT,
      hasHooks: false,
      counted: [],
    };
    const installation = findInstallation(this.em);
    const sql = deleteSnapshots({ ...this.#due, after }, size, connection.quote);
    const gone = await connection.transaction(settings, async (transaction) => {
      const [batch] = await transaction.execute<GoneSnapshots & Record<string, unknown>>(sql);
      const rows = batch!.rows.map(([key, unit]) => ({ key: rowKeyOf(this.meta, key), unit }));
      if (rows.length > 0 && installation?.operations.isAttended) {
        const parts = [{ meta: this.meta, count: rows.length, rows }];
        await transaction.notify({ action: 'purged', ...contextOf(installation), unit: this.cutoff, parts });
      }
      return batch!;
    });
    if (gone.removed > 0) {
      this.removed(gone.rows.length);
    }
    return gone;
  }

  /** Counts rows of the entity that are gone, and tells the events. */
  removed(count: number): void {
    this.#batches++;
    this.purged += count;
    if (count > 0) {
      findInstallation(this.em)?.events.emit({
        type: 'purged',
        entity: this.meta.className,
        count,
        deletedAt: this.cutoff.date,
      });
    }
  }

  async #count(connection: PurgeConnection): Promise<number> {
    const [row] = await connection.read<{ due: number }>(countSnapshots(this.#due, connection.quote));
    return row!.due;
  }

  report(): PurgeEntityReport {
    return {
      entity: this.meta.className,
      table: this.#due.archive.replaceAll('"', ''),
      cutoff: this.cutoff.date,
      purged: this.purged,
      blocked: 0,
      failed: 0,
      locked: this.#locked,
      held: this.#held,
      batches: this.#batches,
      durationMs: Math.round(this.#durationMs),
      blockedBy: [],
      failures: [],
    };
  }
}
