import type { EntityClass, EntityName, Primary } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { SoftDeleteError } from '../errors/soft-delete.error.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { ResolvedPurgeOptions } from '../options/resolve-module-options.js';
import { PurgeConnection } from './connection/purge-connection.js';
import type { OnPurgeOptions, PurgeHandler, PurgeHook } from './purge-hook.js';
import { PurgeInterruptedError } from './run/purge-interrupted.error.js';
import type { PurgePlan } from './plan/purge-plan.js';
import { explainRows } from './explain/explain-rows.js';
import type { PurgeExplainOptions, PurgeExplanation } from './explain/purge-explanation.js';
import { requireKeys } from './explain/require-keys.js';
import { describePlan } from './plan/describe-plan.js';
import { findJob } from './plan/find-job.js';
import { listJobs, type PurgeJob } from './plan/list-jobs.js';
import { type PreparedPurge, preparePurge } from './plan/prepare-purge.js';
import type { PurgeLag, PurgeLagOptions } from './run/purge-lag.js';
import type { PurgeReport } from './purge-report.js';
import type { PurgeJobOptions, PurgeRunOptions } from './purge-run-options.js';
import type { PurgeStatus } from './run/purge-status.js';
import { readOpen } from './run/read-open.js';
import { readPurgeLag } from './run/read-purge-lag.js';
import { readPurgeStatus } from './run/read-purge-status.js';
import { requirePurgedEntity } from './run/require-purged-entity.js';
import { requirePurgeHandlerOptions } from './require-purge-handler-options.js';
import { PurgeRun, type PurgeTask } from './run/purge-run.js';
import { PurgeStoppedError } from './run/purge-stopped.error.js';
import { JOB_OPTIONS, type ResolvedRunOptions, resolveRunOptions } from './run/resolve-run-options.js';
import { StopSignal } from './run/stop-signal.js';

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
    return this.perform(resolveRunOptions(options));
  }

  /**
   * The purge in parts that can run by themselves, for job queues: one for each group of entities that keys connect. The name of a job
   * stays the same for as long as its group does. Reads the catalog, not the rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async jobs(): Promise<readonly PurgeJob[]> {
    return this.#reading(async () => {
      const { order } = await this.#prepare();
      return listJobs(this.#catalog, order, this.#em.config.get('contextName'));
    });
  }

  /**
   * Runs one of `jobs()`, or the one of that name, and rejects where the run has ended before it was finished, so that a queue tries
   * again.
   *
   * @throws SoftDeleteConfigError if there is no such job, or an option cannot work
   * @throws PurgeStoppedError with the report, if the run was stopped
   * @throws PurgeInterruptedError if the database cannot be reached, is read-only or refuses
   */
  async runJob(job: PurgeJob | string, options: PurgeJobOptions = {}): Promise<PurgeReport> {
    refuseUnknownOptions('runJob()', options, JOB_OPTIONS);
    const { name, entities } = findJob(await this.jobs(), job);
    const report = await this.perform({ ...resolveRunOptions(options), entities }, true);
    if (!report.isFinished || report.entities.some(({ error }) => error !== undefined)) {
      throw new PurgeStoppedError(name, report);
    }
    return report;
  }

  /**
   * What a run would go through, in its order. Reads the catalog, not the rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async plan(): Promise<PurgePlan> {
    return this.#reading(async () => {
      const { order, times } = await this.#prepare();
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

  /**
   * Says of each row why it is still there: whether it is due or when it comes due, and what keeps it from going. Its answer is that of a
   * run over all entities at this moment. To tell which rows are locked it tries to lock them, and lets go at once.
   *
   * @param keys - primary keys, or entities; the answers come in this order
   * @throws SoftDeleteConfigError if a key is none, or an option cannot work
   * @throws NotSoftDeletableError if the entity is not marked
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async explain<Entity extends object>(
    entity: EntityName<Entity> | string,
    keys: readonly (Primary<Entity> | Entity | Record<string, unknown>)[],
    options: PurgeExplainOptions = {},
  ): Promise<readonly PurgeExplanation[]> {
    refuseUnknownOptions('explain()', options, ['schema']);
    requireType('schema', options.schema, 'string');
    const name = requirePurgedEntity(this.#catalog, entity);
    const marked = [...this.#catalog.all(), ...this.#catalog.allArchived()];
    const { meta } = marked.find((entry) => entry.name === name)!;
    const asked = requireKeys(this.#em, meta, keys);
    const em = options.schema === undefined ? this.#em : this.#em.fork({ clear: true, schema: options.schema });
    return this.#reading(() => explainRows(em, this.#connect(em), this.options, name, asked));
  }

  /** The entities that the last run of this process has left alone, because far more of their rows were due than usual. */
  get braked(): readonly string[] {
    return this.#braked;
  }

  /** @internal */
  protected async perform(resolved: ResolvedRunOptions, isJob = false): Promise<PurgeReport> {
    const task: PurgeTask = {
      ...resolved,
      isJob,
      entities: resolved.entities?.map((entity) => requirePurgedEntity(this.#catalog, entity)),
      batchSize: resolved.batchSize ?? this.options.batchSize,
      maxRows: resolved.maxRows ?? this.options.maxRows,
    };
    const before = this.#last;
    const run = (async () => {
      const stop = new StopSignal(resolved.timeBudget ?? this.options.timeBudget, resolved.signal);
      try {
        await stop.race(before).catch(() => undefined);
        const current = new PurgeRun(this.#em, this.options, this.#hooks, task, stop);
        const report = await current.execute();
        if (!task.dryRun) {
          this.#braked = current.braked;
        }
        return report;
      } finally {
        stop.dispose();
      }
    })();
    this.#last = Promise.allSettled([before, run]);
    return run;
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

  #prepare(connection = this.#connect()): Promise<PreparedPurge> {
    return preparePurge(this.#em, connection, this.options.retention);
  }

  #connect(em = this.#em): PurgeConnection {
    return new PurgeConnection(em, new StopSignal(undefined, undefined));
  }
}
