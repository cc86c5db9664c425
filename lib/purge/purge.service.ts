import type { EntityName, Primary } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { ResolvedPurgeOptions } from '../options/resolve-module-options.js';
import { PurgeConnection } from './connection/purge-connection.js';
import type { OnPurgeOptions, PurgeHandler, PurgeHook } from './purge-hook.js';
import { whileReading } from './status/while-reading.js';
import type { PurgePlan, PurgePlannedEntity } from './plan/purge-plan.js';
import { explainRows } from './explain/explain-rows.js';
import type { PurgeExplainOptions, PurgeExplanation } from './explain/purge-explanation.js';
import { requireKeys } from './explain/require-keys.js';
import { describePlan } from './plan/describe-plan.js';
import type { DueTimes } from './plan/due-times.js';
import { listPlaces, type PurgePlace } from './plan/list-places.js';
import { readFacts } from './plan/read-facts.js';
import { findJob } from './plan/find-job.js';
import { listJobs, type PurgeJob } from './plan/list-jobs.js';
import { entitiesAt, preparePurge, readAllDueTimes } from './plan/prepare-purge.js';
import type { PlannedEntities } from './plan/purge-planner.js';
import type { PurgeLag, PurgeLagOptions } from './status/purge-lag.js';
import type { PurgeReport } from './purge-report.js';
import type { PurgeJobOptions, PurgeRunOptions } from './purge-run-options.js';
import type { PurgeEntityStatus, PurgeStatus } from './status/purge-status.js';
import { type OpenRows, readOpen } from './status/read-open.js';
import { readPurgeLag } from './status/read-purge-lag.js';
import { planArchived, readArchivedStatus } from './status/read-archive-status.js';
import { readPurgeStatus } from './status/read-purge-status.js';
import { requirePurgedEntity } from './run/require-purged-entity.js';
import { PurgeTelemetry } from './telemetry/purge-telemetry.js';
import type { RunTelemetry } from './telemetry/run-telemetry.js';
import { requirePurgeHandlerOptions } from './require-purge-handler-options.js';
import { PurgeRun, type PurgeTask } from './run/purge-run.js';
import { PurgeStoppedError } from './run/purge-stopped.error.js';
import { JOB_OPTIONS, type ResolvedRunOptions, resolveRunOptions } from './run/resolve-run-options.js';
import { StopSignal } from './run/stop-signal.js';

/**
 * Removes rows past their retention for good: children before parents, in short transactions. It never removes a row that is active, not
 * due, or needed by such a row.
 *
 * Any number of processes may run it at once. In one process runs follow each other.
 *
 * @publicApi
 */
export class PurgeService {
  readonly #em: EntityManager;
  readonly #catalog: SoftDeleteCatalog;
  readonly #hooks: PurgeHook[] = [];
  /** @internal */
  protected readonly telemetry: PurgeTelemetry;
  #last: Promise<unknown> = Promise.resolve();
  #braked: readonly string[] = [];

  /** Use `createPurge()` outside of Nest. @internal */
  constructor(
    orm: AnyOrm,
    private readonly options: ResolvedPurgeOptions,
  ) {
    this.#em = orm.em.fork();
    this.#catalog = SoftDeleteCatalog.of(orm.em);
    this.telemetry = new PurgeTelemetry(this, orm.config.get('contextName'));
  }

  /**
   * Calls a handler with the rows of each batch of an entity before they are removed, inside the batch's transaction.
   *
   * @throws NotSoftDeletableError if the entity is not marked
   */
  registerHook<Entity extends object>(
    entity: EntityName<Entity>,
    handler: PurgeHandler<Entity>,
    options: OnPurgeOptions<Entity> = {},
  ): void {
    requirePurgeHandlerOptions('registerHook()', options);
    this.#catalog.getMarked(entity);
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
   * Lists the jobs of a purge for a job queue: one for each group of entities that foreign keys connect. A job keeps its name as long as
   * its group stays the same. Reads the database's catalog, not the rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async jobs(): Promise<readonly PurgeJob[]> {
    return whileReading(async () => {
      const connection = this.#connect();
      const { order } = await preparePurge({ em: this.#em, entities: undefined }, connection);
      return listJobs(this.#catalog, order, this.#em.config.get('contextName'));
    });
  }

  /**
   * Runs one of `jobs()`, given as it is or by its name. Rejects if the run was stopped before it finished, so that a queue tries again.
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
   * Tells which entities a run would purge, in which order, and what would make it faster. Reads the database's catalog, not the rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async plan(): Promise<PurgePlan> {
    return whileReading(async () => {
      const due = await this.#readDueTimes();
      const entities: PurgePlannedEntity[] = [];
      const advice = new Set<string>();
      for await (const { connection, ...planned } of this.#places()) {
        const { tables, server } = await readFacts(connection, planned.plans);
        entities.push(...describePlan(planned, due, this.options.retention, tables));
        server.forEach((sql) => advice.add(sql));
      }
      const archived = planArchived(this.#em, this.#catalog.allArchived(), due.cutoffs, this.options.retention);
      return { entities: [...entities, ...archived], advice: [...advice] };
    });
  }

  /**
   * Counts the deleted, due and blocked rows of each entity, and tells how late the purge is and whose rows it leaves alone. Takes time
   * if there are many deleted rows.
   *
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async status(): Promise<PurgeStatus> {
    return whileReading(async () => {
      const due = await this.#readDueTimes();
      const entities: PurgeEntityStatus[] = [];
      for await (const { connection, ...planned } of this.#places()) {
        entities.push(...(await readPurgeStatus(connection, planned, due, this.options.retention)));
      }
      return { at: due.now, entities: [...entities, ...(await this.#archivedStatus(due))] };
    });
  }

  /**
   * Tells how late the purge is, by the oldest due row of each entity. Reads one index entry per entity, however many rows are due.
   *
   * @throws SoftDeleteConfigError if an option is unknown
   * @throws PurgeInterruptedError if the database cannot be reached or refuses
   */
  async lag(options: PurgeLagOptions = {}): Promise<PurgeLag> {
    refuseUnknownOptions('lag()', options, ['unblocked']);
    return whileReading(async () => {
      const connection = this.#connect();
      const due = await readAllDueTimes(this.#em, connection, this.options.retention);
      const lags = await readPurgeLag(await listPlaces(this.#em, this.options.schemas), connection, due);
      const counts = new Map<string, Pick<OpenRows, 'due' | 'blocked'>>();
      if (options.unblocked) {
        for await (const { connection: own, place, plans } of this.#places()) {
          const open = await readOpen(own, plans, due.cutoffs);
          open.forEach((rows, { name }) => counts.set(placed(place.schema, name), rows));
        }
        const archived = await this.#archivedStatus(due);
        archived.forEach(({ entity, due: rows, blocked }) =>
          counts.set(placed(undefined, entity), { due: rows, blocked }),
        );
      }
      return {
        at: due.now,
        entities: lags.map(({ place, lag }) => ({ ...lag, ...counts.get(placed(place.schema, lag.entity)) })),
      };
    });
  }

  /**
   * Tells for each row why it is still there: whether it is due or when it comes due, and what keeps it. The answer is what a run over all
   * entities would do now. To detect locks it tries to lock the rows, and releases them at once.
   *
   * @param keys - primary keys, or entities; the answers come in this order
   * @throws SoftDeleteConfigError if a key is invalid, or an option cannot work
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
    const marked = this.#catalog.allMarked();
    const { meta } = marked.find((entry) => entry.name === name)!;
    const asked = requireKeys(this.#em, meta, keys);
    const { schema } = options;
    const place: PurgePlace =
      schema === undefined
        ? { em: this.#em, entities: undefined }
        : { em: this.#em.fork({ schema }), schema, entities: [name] };
    return whileReading(() => explainRows(place, this.#connect(place.em), this.options, name, asked));
  }

  /** The entities that the last run of this process skipped, because far more of their rows were due than usual. */
  get braked(): readonly string[] {
    return this.#braked;
  }

  /** @internal */
  async lagWhileConnected(): Promise<PurgeLag | undefined> {
    return (await this.#em.getConnection('write').isConnected()) ? this.lag() : undefined;
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
        return await (task.dryRun ? this.#perform(task, stop) : this.#performMeasured(task, stop));
      } finally {
        stop.dispose();
      }
    })();
    this.#last = Promise.allSettled([before, run]);
    return run;
  }

  async #performMeasured(task: PurgeTask, stop: StopSignal): Promise<PurgeReport> {
    await this.telemetry.observe();
    return this.telemetry.run((telemetry) => this.#perform(task, stop, telemetry));
  }

  async #perform(task: PurgeTask, stop: StopSignal, telemetry?: RunTelemetry): Promise<PurgeReport> {
    const run = new PurgeRun(this.#em, this.options, this.#hooks, task, stop, telemetry);
    const report = await run.execute();
    if (!task.dryRun) {
      this.#braked = run.braked;
    }
    return report;
  }

  #readDueTimes(): Promise<DueTimes> {
    return readAllDueTimes(this.#em, this.#connect(), this.options.retention);
  }

  #archivedStatus({ cutoffs }: DueTimes): Promise<PurgeEntityStatus[]> {
    const archived = this.#catalog.allArchived();
    return readArchivedStatus(this.#em, this.#connect(), archived, cutoffs, this.options.retention);
  }

  /** What there is to purge in each place, one after the other. */
  async *#places(): AsyncGenerator<
    PlannedEntities & { readonly connection: PurgeConnection; readonly place: PurgePlace }
  > {
    for (const place of await listPlaces(this.#em, this.options.schemas)) {
      const connection = this.#connect(place.em);
      yield { connection, place, ...entitiesAt(place, await preparePurge(place, connection)) };
    }
  }

  #connect(em = this.#em): PurgeConnection {
    return new PurgeConnection(em, new StopSignal(undefined, undefined));
  }
}

/** An entity in one of its schemas. */
function placed(schema: string | undefined, entity: string): string {
  return `${schema} ${entity}`;
}
