import { performance } from 'node:perf_hooks';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import { findInstallation } from '../../installation/installation.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { ResolvedPurgeOptions } from '../../options/resolve-module-options.js';
import { PurgeConnection } from '../connection/purge-connection.js';
import { preparePurge } from '../plan/prepare-purge.js';
import type { PurgeHook } from '../purge-hook.js';
import type { PurgeEntityReport, PurgeReport } from '../purge-report.js';
import { brakeRuns } from './apply-brake.js';
import { type ArchiveRun, createArchiveRuns, runOnArchive } from './archive-run.js';
import { callOnProgress } from './call-on-progress.js';
import { createRuns } from './create-runs.js';
import type { EntityRun } from './entity-run.js';
import { HoldWatch } from './hold-watch.js';
import { groupRuns, PurgeExecutor } from './purge-executor.js';
import { PurgeInterruptedError } from './purge-interrupted.error.js';
import { reportHomeless } from './report-homeless.js';
import type { ResolvedRunOptions } from './resolve-run-options.js';
import { StoppedError, type StopSignal } from './stop-signal.js';

/** What one run is to do. @internal */
export interface PurgeTask extends Omit<ResolvedRunOptions, 'entities'> {
  /** The names of the entities that are purged, if not all. */
  readonly entities: readonly string[] | undefined;
  /** Whether nobody has named the entities, but their job. */
  readonly isJob: boolean;
}

/**
 * One run of the purge, from the first connection to its report.
 *
 * @internal
 */
export class PurgeRun {
  readonly #start = performance.now();
  readonly #em: EntityManager;
  readonly #onProgress: ((progress: { entity: string; purged: number; total: number }) => void) | undefined;
  #startedAt: Date | undefined;
  #skipped: readonly PurgeEntityReport[] = [];
  #runs: readonly EntityRun[] = [];
  #archived: readonly ArchiveRun[] = [];

  /** @param em - the purge's own, in the schema of the configuration */
  constructor(
    private readonly em: EntityManager,
    private readonly options: ResolvedPurgeOptions,
    private readonly hooks: readonly PurgeHook[],
    private readonly task: PurgeTask,
    private readonly stop: StopSignal,
  ) {
    this.#em = task.schema === undefined ? em : em.fork({ clear: true, schema: task.schema });
    this.#onProgress = task.onProgress && callOnProgress(em, task.onProgress);
  }

  /** The entities that were left alone, because far more of their rows are due than usual. */
  get braked(): readonly string[] {
    return this.#runs.filter(({ braked }) => braked).map(({ name }) => name);
  }

  /** @throws PurgeInterruptedError if the database cannot be reached, is read-only or refuses */
  async execute(): Promise<PurgeReport> {
    try {
      this.stop.throwIfStopped();
      await this.#execute(new PurgeConnection(this.#em, this.stop));
      return this.#report(this.braked.length > 0 ? 'braked' : 'completed');
    } catch (error) {
      if (error instanceof StoppedError) {
        this.#runs.forEach((run) => run.stopped());
        return this.#report(error.reason);
      }
      // What is wrong with the model or the options is said as it is; everything else comes from the database.
      if (this.#startedAt === undefined && error instanceof SoftDeleteError) {
        throw error;
      }
      throw new PurgeInterruptedError(error, this.#report('aborted'));
    }
  }

  async #execute(connection: PurgeConnection): Promise<void> {
    const { entities, olderThan, dryRun, batchSize, maxRows } = this.task;
    const em = this.#em;
    const { order, times, homeless } = await preparePurge(em, connection, this.options.retention, olderThan);
    this.#skipped = reportHomeless(homeless, times.cutoffs, this.task);
    this.#startedAt = times.now;
    this.#runs = groupRuns(order, createRuns(this.em, order, times.cutoffs, this.hooks, entities)).flat();
    await brakeRuns(em, connection, this.#runs, !this.task.overrideBrake && this.options.brake);
    const groups = groupRuns(
      order,
      this.#runs.filter(({ braked }) => !braked),
    );
    const holds = await HoldWatch.begin(em, connection, this.#runs);
    const executor = new PurgeExecutor(
      connection,
      groups,
      {
        batchSize,
        pause: this.options.pauseBetweenBatches,
        lockTimeout: this.options.lockTimeout,
        gate: { throttles: this.options.throttle, maxRows },
        holdsChanged: async () => holds?.refresh(),
        onBatch: (run, gone) => this.#announce(run, gone),
      },
      this.stop,
    );
    if (groups.length > 0) {
      await (dryRun ? executor.rehearse() : executor.run());
    }
    this.#archived = createArchiveRuns(em, SoftDeleteCatalog.of(em), times.cutoffs, entities);
    await runOnArchive(this.#archived, connection, { ...this.options, ...this.task, holds }, this.stop);
  }

  #announce(run: EntityRun, gone: number): void {
    if (gone > 0) {
      findInstallation(this.em)?.events.emit({
        type: 'purged',
        entity: run.name,
        count: gone,
        deletedAt: run.cutoff.date,
      });
    }
    this.#onProgress?.({
      entity: run.name,
      purged: run.purged,
      total: this.#runs.reduce((total, { purged }) => total + purged, 0),
    });
  }

  #report(outcome: PurgeReport['outcome']): PurgeReport {
    const began = this.#startedAt ?? new Date();
    const all = [...this.#runs, ...this.#archived];
    return {
      startedAt: began,
      finishedAt: new Date(began.getTime() + Math.round(performance.now() - this.#start)),
      dryRun: this.task.dryRun,
      outcome,
      isFinished: outcome === 'completed' || outcome === 'braked',
      total: all.reduce((total, { purged }) => total + purged, 0),
      entities: [...all.map((run) => run.report()), ...this.#skipped],
    };
  }
}
