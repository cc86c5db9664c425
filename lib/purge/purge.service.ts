import { performance } from 'node:perf_hooks';
import type { EntityClass } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { SoftDeleteError } from '../errors/soft-delete.error.js';
import { findInstallation } from '../installation/installation.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import type { ResolvedPurgeOptions } from '../options/resolve-module-options.js';
import { readDueTimes } from './plan/due-times.js';
import { applyBrake } from './run/apply-brake.js';
import { type ArchiveRun, createArchiveRuns, runOnArchive } from './run/archive-run.js';
import { callOnProgress } from './run/call-on-progress.js';
import { createRuns } from './run/create-runs.js';
import type { EntityRun } from './run/entity-run.js';
import { PurgeConnection } from './connection/purge-connection.js';
import { groupRuns, PurgeExecutor } from './run/purge-executor.js';
import type { OnPurgeOptions, PurgeHandler, PurgeHook } from './purge-hook.js';
import { PurgeInterruptedError } from './run/purge-interrupted.error.js';
import type { PurgePlan } from './plan/purge-plan.js';
import { planPurge } from './plan/purge-planner.js';
import { describePlan } from './plan/describe-plan.js';
import type { PurgeLag, PurgeLagOptions } from './run/purge-lag.js';
import type { PurgeEntityReport, PurgeReport } from './purge-report.js';
import type { PurgeRunOptions } from './purge-run-options.js';
import type { PurgeStatus } from './run/purge-status.js';
import { readKeyGraph } from './plan/read-key-graph.js';
import { HoldWatch } from './run/hold-watch.js';
import { reportHomeless } from './run/report-homeless.js';
import { readOpen } from './run/read-open.js';
import { readPurgeLag } from './run/read-purge-lag.js';
import { readPurgeStatus } from './run/read-purge-status.js';
import { requirePurgedEntity } from './run/require-purged-entity.js';
import { requirePurgeHandlerOptions } from './require-purge-handler-options.js';
import { type ResolvedRunOptions, resolveRunOptions } from './run/resolve-run-options.js';
import { tableName } from '../sql/table-name.js';
import { StoppedError, StopSignal } from './run/stop-signal.js';

/**
 * Removes rows for good whose retention is over: children before parents, in short transactions, never one that is active, not
 * due, or needed by one that is.
 *
 * Any number of processes may run it at once. In one process runs follow each other.
 *
 * @publicApi
 */
export class PurgeService {
  readonly #em: EntityManager;
  readonly #catalog: SoftDeleteCatalog;
  readonly #hooks: PurgeHook[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #braked: readonly string[] = [];

  /** Use `createPurge()` outside of Nest. @internal */
  constructor(
    orm: MikroORM<any>,
    private readonly options: ResolvedPurgeOptions,
  ) {
    this.#em = orm.em.fork({ clear: true });
    this.#catalog = SoftDeleteCatalog.of(orm.em);
  }

  /**
   * Has a handler called with the rows of each batch of an entity before they go, inside of the batch's transaction.
   *
   * @throws NotSoftDeletableError if the entity is not marked
   */
  registerHook<Entity extends object>(
    entity: EntityClass<Entity>,
    handler: PurgeHandler<Entity>,
    options: OnPurgeOptions<Entity> = {},
  ): void {
    requirePurgeHandlerOptions('registerHook()', options);
    this.#catalog.get(entity);
    this.#hooks.push({ entity, handler, fields: options.fields ?? [] });
  }

  /**
   * Removes everything that is due. Runs one transaction per batch; a run that starts while another is under way in this
   * process waits for it.
   *
   * @throws SoftDeleteConfigError if an option cannot work
   * @throws NotSoftDeletableError if an entity is not marked
   * @throws PurgeInterruptedError if the database cannot be reached, is read-only or refuses
   */
  async run(options: PurgeRunOptions = {}): Promise<PurgeReport> {
    const resolved = resolveRunOptions(options);
    const entities = resolved.entities?.map((entity) => requirePurgedEntity(this.#catalog, entity));
    const {
      timeBudget = this.options.timeBudget,
      batchSize = this.options.batchSize,
      maxRows = this.options.maxRows,
    } = resolved;

    const before = this.#last;
    const run = (async () => {
      const stop = new StopSignal(timeBudget, resolved.signal);
      try {
        await stop.race(before).catch(() => undefined);
        return await this.#run({ ...resolved, batchSize, maxRows }, entities, stop);
      } finally {
        stop.dispose();
      }
    })();
    this.#last = Promise.allSettled([before, run]);
    return run;
  }

  /**
   * What a run would go through, in its order. Reads the catalog, not the rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async plan(): Promise<PurgePlan> {
    return this.#reading(async () => {
      const { order, times } = await this.#prepare(this.#connect());
      return describePlan(order, times, this.options.retention);
    });
  }

  /**
   * How much there is to purge, and how far behind the purge is. Counts deleted rows, so it takes time if there are many.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async status(): Promise<PurgeStatus> {
    return this.#reading(async () => {
      const connection = this.#connect();
      const { order, times } = await this.#prepare(connection);
      return readPurgeStatus(connection, order, times, this.options.retention);
    });
  }

  /**
   * How far behind the purge is: the oldest due row of each entity. Reads one index entry per entity, however many rows are due.
   *
   * @throws SoftDeleteConfigError if an option is unknown
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async lag(options: PurgeLagOptions = {}): Promise<PurgeLag> {
    refuseUnknownOptions('lag()', options, ['unblocked']);
    return this.#reading(async () => {
      const connection = this.#connect();
      const lag = await readPurgeLag(this.#em, connection, this.#catalog.all(), this.options.retention);
      if (!options.unblocked) {
        return lag;
      }
      const { order, times } = await this.#prepare(connection);
      const open = await readOpen(connection, order.groups.flat(), times.cutoffs);
      const counts = new Map([...open].map(([{ name }, rows]) => [name, rows]));
      return { ...lag, entities: lag.entities.map((entity) => ({ ...entity, ...counts.get(entity.entity) })) };
    });
  }

  /** The entities that the last run of this process has left alone, because far more of their rows were due than usual. */
  get braked(): readonly string[] {
    return this.#braked;
  }

  /** What only reads is interrupted as a run is, before it has done anything. */
  async #reading<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof SoftDeleteError) {
        throw error;
      }
      const now = new Date();
      throw new PurgeInterruptedError(error, {
        startedAt: now,
        finishedAt: now,
        dryRun: true,
        outcome: 'aborted',
        isFinished: false,
        total: 0,
        entities: [],
      });
    }
  }

  async #run(
    options: ResolvedRunOptions,
    entities: readonly string[] | undefined,
    stop: StopSignal,
  ): Promise<PurgeReport> {
    const start = performance.now();
    const em = options.schema === undefined ? this.#em : this.#em.fork({ clear: true, schema: options.schema });
    const connection = new PurgeConnection(em, stop);
    const { dryRun, olderThan } = options;
    let skipped: readonly PurgeEntityReport[] = [];
    const onProgress = options.onProgress && callOnProgress(this.#em, options.onProgress);
    let startedAt: Date | undefined;
    let runs: readonly EntityRun[] = [];
    let archived: readonly ArchiveRun[] = [];
    const report = (outcome: PurgeReport['outcome']): PurgeReport => {
      const began = startedAt ?? new Date();
      return {
        startedAt: began,
        finishedAt: new Date(began.getTime() + Math.round(performance.now() - start)),
        dryRun,
        outcome,
        isFinished: outcome === 'completed' || outcome === 'braked',
        total: [...runs, ...archived].reduce((total, { purged }) => total + purged, 0),
        entities: [...[...runs, ...archived].map((run) => run.report()), ...skipped],
      };
    };
    try {
      stop.throwIfStopped();
      const { order, times, homeless } = await this.#prepare(connection, olderThan, em);
      skipped = reportHomeless(homeless, times.cutoffs, entities);
      startedAt = times.now;
      runs = groupRuns(order, createRuns(this.#em, order, times.cutoffs, this.#hooks, entities)).flat();
      await this.#brake(connection, runs, options, em);
      const groups = groupRuns(
        order,
        runs.filter(({ braked }) => !braked),
      );
      const holds = await HoldWatch.begin(em, connection, runs);
      const executor = new PurgeExecutor(
        connection,
        groups,
        {
          batchSize: options.batchSize,
          pause: this.options.pauseBetweenBatches,
          lockTimeout: this.options.lockTimeout,
          gate: { throttles: this.options.throttle, maxRows: options.maxRows },
          holdsChanged: async () => holds?.refresh(),
          onBatch: (run, gone) => this.#announce(run, gone, runs, onProgress),
        },
        stop,
      );
      if (groups.length > 0) {
        await (dryRun ? executor.rehearse() : executor.run());
      }
      archived = createArchiveRuns(em, this.#catalog, times.cutoffs, entities);
      await runOnArchive(archived, connection, { ...this.options, ...options, holds }, stop);
      return report(runs.some(({ braked }) => braked) ? 'braked' : 'completed');
    } catch (error) {
      if (error instanceof StoppedError) {
        runs.forEach((run) => run.stopped());
        return report(error.reason);
      }
      // What is wrong with the model or the options is said as it is; everything else comes from the database.
      if (startedAt === undefined && error instanceof SoftDeleteError) {
        throw error;
      }
      throw new PurgeInterruptedError(error, report('aborted'));
    }
  }

  async #brake(
    connection: PurgeConnection,
    runs: readonly EntityRun[],
    { overrideBrake, dryRun }: ResolvedRunOptions,
    em: EntityManager,
  ): Promise<void> {
    const records = findInstallation(this.#em)?.records;
    if (this.options.brake && !overrideBrake) {
      await applyBrake(connection, runs, this.options.brake, records && tableName(em, records));
    }
    if (!dryRun) {
      this.#braked = runs.filter(({ braked }) => braked).map(({ name }) => name);
    }
  }

  #announce(
    run: EntityRun,
    gone: number,
    runs: readonly EntityRun[],
    onProgress: ResolvedRunOptions['onProgress'],
  ): void {
    if (gone > 0) {
      findInstallation(this.#em)?.events.emit({
        type: 'purged',
        entity: run.name,
        count: gone,
        deletedAt: run.cutoff.date,
      });
    }
    onProgress?.({
      entity: run.name,
      purged: run.purged,
      total: runs.reduce((total, { purged }) => total + purged, 0),
    });
  }

  async #prepare(connection: PurgeConnection, olderThan?: number, em = this.#em) {
    const graph = await readKeyGraph(em, connection);
    const { entities, homeless = [] } = graph;
    const all = [...entities, ...homeless, ...this.#catalog.allArchived()];
    const times = await readDueTimes(connection, all, this.options.retention, olderThan);
    return { order: planPurge(graph), times, homeless };
  }

  #connect(stop = new StopSignal(undefined, undefined)): PurgeConnection {
    return new PurgeConnection(this.#em, stop);
  }
}
