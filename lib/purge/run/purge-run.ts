import { performance } from 'node:perf_hooks';
import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PurgeSchemasError } from '../../errors/purge-schemas.error.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import { findInstallation } from '../../installation/installation.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { ResolvedPurgeOptions } from '../../options/resolve-module-options.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { RowKey } from '../../sql/row-set.js';
import { PurgeConnection } from '../connection/purge-connection.js';
import type { DueTimes } from '../plan/due-times.js';
import { listPlaces, type PurgePlace, splitBySchema } from '../plan/list-places.js';
import { type PreparedPurge, preparePurge, readAllDueTimes } from '../plan/prepare-purge.js';
import type { PurgeHook } from '../purge-hook.js';
import type { PurgeEntityReport, PurgeReport } from '../purge-report.js';
import type { PurgeProgress } from '../purge-run-options.js';
import { brakeRuns } from './apply-brake.js';
import { BatchGate } from './batch-gate.js';
import { type ArchiveRun, createArchiveRuns, runOnArchive } from './archive-run.js';
import { callOnProgress } from './call-on-progress.js';
import { createRuns } from './create-runs.js';
import { hasNoSchema } from '../plan/has-no-schema.js';
import { expireRecords } from './expire-records.js';
import type { EntityRun } from './entity-run.js';
import { HoldWatch } from './hold-watch.js';
import { groupRuns, PurgeExecutor } from './purge-executor.js';
import { PurgeInterruptedError } from './purge-interrupted.error.js';
import { reportUnreachable } from '../status/report-unreachable.js';
import { reportSkipped } from '../status/report-skipped.js';
import type { ResolvedRunOptions } from './resolve-run-options.js';
import type { RunTelemetry, TracedEntity } from '../telemetry/run-telemetry.js';
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
  readonly #onProgress: ((progress: PurgeProgress) => void) | undefined;
  #startedAt: Date | undefined;
  readonly #skipped: PurgeEntityReport[] = [];
  readonly #runs: EntityRun[] = [];
  readonly #archived: ArchiveRun[] = [];

  /**
   * @param em - the purge's own, in the schema of the configuration
   * @param telemetry - what is told about the run, if anybody wants to know
   */
  constructor(
    private readonly em: EntityManager,
    private readonly options: ResolvedPurgeOptions,
    private readonly hooks: readonly PurgeHook[],
    private readonly task: PurgeTask,
    private readonly stop: StopSignal,
    private readonly telemetry?: RunTelemetry,
  ) {
    this.#em = task.schema === undefined ? em : em.fork({ schema: task.schema });
    this.#onProgress = task.onProgress && callOnProgress(em, task.onProgress);
  }

  /** The entities that were left alone, because far more of their rows are due than usual. */
  get braked(): readonly string[] {
    const all = [...this.#runs, ...this.#archived].filter(({ braked }) => braked);
    return [...new Set(all.map(({ name }) => name))];
  }

  /** @throws PurgeInterruptedError if the database cannot be reached, is read-only or refuses */
  async execute(): Promise<PurgeReport> {
    try {
      this.stop.throwIfStopped();
      await this.#execute();
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

  async #execute(): Promise<void> {
    const connection = new PurgeConnection(this.#em, this.stop);
    const times = await readAllDueTimes(this.#em, connection, this.options.retention, this.task.olderThan);
    const places = await this.#listPlaces(times);
    for (const place of places) {
      const isOther = place.em !== this.#em;
      await this.#purge(place, isOther ? new PurgeConnection(place.em, this.stop) : connection, times);
    }
    if (!this.task.dryRun && (this.task.entities === undefined || this.task.isJob)) {
      const records = findInstallation(this.#em)?.records;
      const managers = records?.schema === '*' ? places.map(({ em }) => em) : [this.#em];
      for (const em of managers.filter((each) => records && !hasNoSchema(each, records))) {
        // No hold covers a record, so that this connection need not know of any.
        await expireRecords(em, new PurgeConnection(em, this.stop), this.options, this.stop);
      }
    }
  }

  /** Where nobody can tell the schemas, the entities that live in them are left alone. */
  async #listPlaces({ cutoffs }: DueTimes): Promise<PurgePlace[]> {
    const { entities, schema, isJob } = this.task;
    try {
      return await listPlaces(this.#em, schema === undefined ? this.options.schemas : undefined, entities);
    } catch (error) {
      if (!(error instanceof PurgeSchemasError) || (entities && !isJob)) {
        throw error;
      }
      const [moving, staying] = splitBySchema(this.#em, entities);
      this.#skip(moving, cutoffs, '*', error);
      return [{ em: this.#em, entities: staying }];
    }
  }

  #skip(names: readonly string[], cutoffs: DueTimes['cutoffs'], schema: string, { message }: Error): void {
    const entities = SoftDeleteCatalog.of(this.em)
      .all()
      .filter(({ name }) => names.includes(name))
      .map(({ name, meta }) => ({ name, table: `${schema}.${meta.tableName}` }));
    this.#skipped.push(...reportSkipped(entities, cutoffs, message));
  }

  async #prepare(
    place: PurgePlace,
    connection: PurgeConnection,
    times: DueTimes,
  ): Promise<PreparedPurge['order'] | undefined> {
    try {
      const { order, unreachable } = await preparePurge(place, connection);
      const asked = { entities: place.entities, isJob: this.task.isJob };
      this.#skipped.push(...reportUnreachable(unreachable, times.cutoffs, asked));
      return order;
    } catch (error) {
      // What is wrong with the schema of one tenant is nothing to the others.
      if (place.schema === undefined || !(error instanceof SoftDeleteConfigError)) {
        throw error;
      }
      this.#skip(place.entities!, times.cutoffs, place.schema, error);
      return undefined;
    }
  }

  async #purge(place: PurgePlace, connection: PurgeConnection, times: DueTimes): Promise<void> {
    const { em, entities } = place;
    const { dryRun, batchSize } = this.task;
    const order = await this.#prepare(place, connection, times);
    this.#startedAt = times.now;
    if (!order) {
      return;
    }
    const maxRows = this.task.maxRows === undefined ? undefined : this.task.maxRows - this.#total;
    const runs = groupRuns(order, createRuns(em, order, times.cutoffs, this.hooks, entities)).flat();
    const archived = createArchiveRuns(em, SoftDeleteCatalog.of(em), times.cutoffs, this.hooks, entities);
    if (runs.length + archived.length === 0) {
      return;
    }
    this.#runs.push(...runs);
    this.#archived.push(...archived);
    archived.forEach(
      (run) =>
        (run.onRemoved = (count, keys) => {
          this.telemetry?.batch(run.name, count);
          this.#emit(run, run.meta, count, keys);
        }),
    );
    runs.forEach((run) => (run.around = (work) => this.#around(run.traced, work)));
    await brakeRuns(em, connection, runs, archived, !this.task.overrideBrake && this.options.brake);
    const groups = groupRuns(
      order,
      runs.filter(({ braked }) => !braked),
    );
    const holds = await HoldWatch.begin(em, connection, runs);
    const executor = new PurgeExecutor(
      connection,
      groups,
      {
        batchSize,
        pause: this.options.pauseBetweenBatches,
        lockTimeout: this.options.lockTimeout,
        gate: { throttles: this.options.throttle, maxRows },
        holdsChanged: async () => holds?.refresh(),
        onBatch: (run, gone, milliseconds) => this.#announce(run, gone, milliseconds),
      },
      this.stop,
    );
    if (groups.length > 0) {
      await (dryRun ? executor.rehearse() : executor.run());
    }
    await runOnArchive(
      archived,
      connection,
      {
        lockTimeout: this.options.lockTimeout,
        pauseBetweenBatches: this.options.pauseBetweenBatches,
        batchSize,
        dryRun,
        holds,
        gate: new BatchGate(
          { throttles: this.options.throttle, maxRows },
          [...runs, ...archived],
          connection,
          this.stop,
        ),
        around: (run, work) => this.#around(run.traced, work),
        onBatch: (run, gone, milliseconds) => {
          this.telemetry?.batch(run.name, 0, milliseconds);
          this.#tell(run, gone, milliseconds);
        },
      },
      this.stop,
    );
  }

  get #total(): number {
    return [...this.#runs, ...this.#archived].reduce((total, { purged }) => total + purged, 0);
  }

  #around<Result>(entity: TracedEntity, work: () => Promise<Result>): Promise<Result> {
    return this.telemetry ? this.telemetry.withinEntity(entity, work) : work();
  }

  #announce(run: EntityRun, gone: number, milliseconds: number | undefined): void {
    this.telemetry?.batch(run.name, gone, milliseconds);
    this.#emit(run, run.plan.entity.meta, gone, run.takeKeys(gone));
    this.#tell(run, gone, milliseconds);
  }

  #emit(
    { name, cutoff }: EntityRun | ArchiveRun,
    meta: EntityMetadata,
    count: number,
    keys: readonly RowKey[] | undefined,
  ): void {
    if (count > 0) {
      findInstallation(this.em)?.events.emit({
        type: 'purged',
        entity: name,
        ...(keys ? { keys: keys.map((key) => keyFromTexts(this.em, meta, key)) } : {}),
        count,
        deletedAt: cutoff.date,
      });
    }
  }

  #tell({ name, purged, locked }: EntityRun | ArchiveRun, gone: number, milliseconds: number | undefined): void {
    this.#onProgress?.({
      entity: name,
      purged,
      locked,
      total: this.#total,
      batchRows: gone,
      batchMs: Math.round(milliseconds ?? 0),
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
      total: this.#total,
      entities: [...all.map((run) => run.report()), ...this.#skipped],
    };
  }
}
