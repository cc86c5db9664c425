import { performance } from 'node:perf_hooks';
import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import { schemaOf } from '../../archive/snapshot/write-snapshots.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { primaryColumnTypes, type RowKey } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { removeArchived } from '../batch/remove-archived.js';
import { BatchSize } from '../batch/batch-size.js';
import { batchSizeLimits } from '../batch/batch-size-limits.js';
import { classifyFailure, sqlState } from '../connection/classify-failure.js';
import { HoldsChangedError } from '../connection/holds-changed.error.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { Cutoff } from '../plan/due-times.js';
import type { PurgeHook } from '../purge-hook.js';
import type { PurgeBrake, PurgeEntityReport, PurgeFailure } from '../purge-report.js';
import { countSnapshots, type DueSnapshots, listNextUnit, type NextUnit } from '../statements/delete-snapshots.js';
import { countForBrake } from '../statements/read-archive-status.js';
import type { BatchGate, GatedRun } from './batch-gate.js';
import { dropMonths, type MonthlyRun } from './drop-months.js';
import { REPEATS } from './entity-purge.js';
import type { HoldWatch } from './hold-watch.js';
import { pauseAfter } from '../batch/pause-after.js';
import type { TracedEntity } from '../telemetry/run-telemetry.js';
import { archiveLabel } from '../status/read-archive-status.js';
import { StoppedError, type StopSignal } from './stop-signal.js';
import { whatIsTold } from '../plan/what-is-told.js';

/** @internal */
export interface ArchiveRunOptions {
  readonly pauseBetweenBatches: number | undefined;
  readonly lockTimeout: number;
  readonly batchSize?: number | undefined;
  readonly dryRun: boolean;
  readonly holds: HoldWatch | undefined;
  readonly gate: BatchGate;
  /** What is done around the work on one entity. */
  readonly around: <Result>(run: ArchiveRun, work: () => Promise<Result>) => Promise<Result>;
  /** After each batch that has removed something. */
  readonly onBatch: (run: ArchiveRun, gone: number, milliseconds: number) => void;
}

/** The runs of archived entities that have a retention. @internal */
export function createArchiveRuns(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  cutoffs: ReadonlyMap<string, Cutoff>,
  hooks: readonly PurgeHook[],
  asked: readonly string[] | undefined,
): ArchiveRun[] {
  return catalog.allArchived().flatMap(({ name, meta }) => {
    const cutoff = cutoffs.get(name);
    const own = hooks.filter(({ entity }) => catalog.findArchived(entity)?.meta === meta);
    return cutoff && (!asked || asked.includes(name)) ? [new ArchiveRun(em, meta, cutoff, own)] : [];
  });
}

/** @internal */
export async function runOnArchive(
  runs: readonly ArchiveRun[],
  connection: PurgeConnection,
  options: ArchiveRunOptions,
  stop: StopSignal,
): Promise<void> {
  const going = runs.filter(({ braked }) => !braked);
  const [first] = going;
  if (first && !options.dryRun) {
    await dropMonths(first.em, connection, first.table, going, options, stop);
  }
  for (const run of going) {
    await options.around(run, () =>
      options.dryRun ? run.rehearse(connection, options) : run.purge(connection, options, stop),
    );
  }
}

const REPORTED_FAILURES = 100;

/** What one run has done with the archived rows of one entity so far. @internal */
export class ArchiveRun implements MonthlyRun, GatedRun {
  purged = 0;
  /** Due rows that somebody else has locked, or of whose unit somebody has locked a row, as far as is known. */
  locked = 0;
  /** Set if its rows are left alone. */
  braked: PurgeBrake | undefined;
  /** Is told how many rows are gone, and which, if they are few. */
  onRemoved: (count: number, keys: readonly RowKey[] | undefined) => void = () => undefined;
  readonly name: string;
  readonly table: string;
  #batches = 0;
  #held = 0;
  #failed = 0;
  #durationMs = 0;
  readonly #failures: PurgeFailure[] = [];
  readonly #due: DueSnapshots;

  constructor(
    readonly em: EntityManager,
    readonly meta: EntityMetadata,
    readonly cutoff: Cutoff,
    readonly hooks: readonly PurgeHook[],
  ) {
    this.name = meta.className;
    this.table = archiveTable(em);
    this.#due = {
      archive: this.table,
      entity: meta.className,
      schema: em.schema === undefined ? undefined : schemaOf(em, meta),
      cutoff: cutoff.text,
      after: undefined,
      keyTypes: primaryColumnTypes(meta).map(({ type }) => type),
      ...whatIsTold(em),
    };
  }

  /** How its report names it. */
  get traced(): TracedEntity {
    return { entity: this.name, table: archiveLabel(this.em) };
  }

  /** Whether rows can go without being looked at: those of all schemas, and nobody is to be told which. */
  get mayGoUnseen(): boolean {
    return !this.#due.schema && this.hooks.length === 0;
  }

  countForBrake({ quote }: PurgeConnection, limit: number): string {
    const { archive, entity, cutoff } = this.#due;
    return countForBrake({ archive, entity, cutoff, table: tableName(this.em, this.meta) }, limit, quote);
  }

  /** What a run would come to, without one. */
  async rehearse(connection: PurgeConnection, { holds }: ArchiveRunOptions): Promise<void> {
    const due = await this.#count(connection);
    [this.purged, this.#held] = holds?.mayCover(this.meta) ? [0, due] : [due, 0];
  }

  /** Removes unit after unit in short transactions. */
  async purge(connection: PurgeConnection, options: ArchiveRunOptions, stop: StopSignal): Promise<void> {
    const { pauseBetweenBatches, lockTimeout, batchSize, holds, gate, onBatch } = options;
    const size = new BatchSize(batchSizeLimits(batchSize));
    const start = performance.now();
    try {
      for (let after: string | undefined, isIsolating = false, repeats = 0; ;) {
        if (holds?.mayCover(this.meta)) {
          this.#held = await this.#count(connection);
          return;
        }
        const room = isIsolating ? 1 : await gate.pass(this, size.current);
        const measure = connection.clock.start();
        try {
          const { last, removed, locked, gone, keys } = await removeArchived(
            connection,
            this,
            { ...this.#due, after },
            room,
            lockTimeout,
          );
          if (last === null) {
            break;
          }
          after = last;
          this.locked += locked;
          if (!isIsolating) {
            const { worked, network } = measure();
            size.took(worked, removed, network);
          }
          isIsolating = false;
          if (removed > 0) {
            this.removed(gone, keys ?? undefined);
            onBatch(this, gone, measure().worked);
          }
          repeats = 0;
        } catch (error) {
          const kind = error instanceof StoppedError ? 'fatal' : classifyFailure(error);
          const isBusy = kind === 'locked' || kind === 'again';
          if (error instanceof HoldsChangedError) {
            await holds!.refresh();
          } else if (kind === 'fatal' || kind === 'connection') {
            throw error;
          } else if (isBusy && ++repeats < REPEATS) {
            await stop.pause(Math.random() * 20 * repeats);
          } else if (isIsolating) {
            const left = await this.#leave(connection, after, isBusy ? undefined : error);
            if (left === undefined) {
              break;
            }
            after = left;
            isIsolating = false;
          } else {
            isIsolating = true;
          }
        }
        const { worked } = measure();
        gate.took(this, worked);
        await stop.pause(pauseAfter(worked, pauseBetweenBatches));
      }
      this.locked = (await this.#count(connection)) - this.#failed;
    } finally {
      this.#durationMs += performance.now() - start;
    }
  }

  /** Counts rows of the entity that are gone. */
  removed(count: number, keys?: readonly RowKey[]): void {
    this.#batches++;
    this.purged += count;
    this.onRemoved(count, keys);
  }

  /** Leaves the next unit where it is: as failed, or as locked if there is no error. @returns its time, if there is one */
  async #leave(connection: PurgeConnection, after: string | undefined, error: unknown): Promise<string | undefined> {
    const [unit] = await connection.read<NextUnit & Record<string, unknown>>(
      listNextUnit({ ...this.#due, after }, connection.quote),
    );
    if (error === undefined) {
      return unit?.last;
    }
    const message = error instanceof Error ? error.message : String(error);
    const code = sqlState(error);
    for (const key of unit?.keys ?? []) {
      this.#failed++;
      if (this.#failures.length < REPORTED_FAILURES) {
        const own = keyFromTexts(this.em, this.meta, rowKeyOf(this.meta, key));
        this.#failures.push({ key: own, message, ...(code === undefined ? {} : { sqlState: code }) });
      }
    }
    return unit?.last;
  }

  async #count(connection: PurgeConnection): Promise<number> {
    const [row] = await connection.read<{ due: number }>(countSnapshots(this.#due, connection.quote));
    return row!.due;
  }

  report(): PurgeEntityReport {
    return {
      ...this.traced,
      cutoff: this.cutoff.date,
      purged: this.purged,
      blocked: 0,
      failed: this.#failed,
      locked: this.locked,
      held: this.#held,
      batches: this.#batches,
      durationMs: Math.round(this.#durationMs),
      blockedBy: [],
      failures: this.#failures,
      ...(this.braked ? { braked: this.braked } : {}),
    };
  }
}
