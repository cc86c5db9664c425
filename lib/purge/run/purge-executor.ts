import { performance } from 'node:perf_hooks';
import { BatchSize } from '../batch/batch-size.js';
import { BATCH_SIZE_LIMITS, EXPENSIVE_ROWS_LIMITS, batchSizeLimits } from '../batch/batch-size-limits.js';
import { HoldsChangedError } from '../connection/holds-changed.error.js';
import { classifyFailure } from '../connection/classify-failure.js';
import { BatchGate, type GateOptions } from './batch-gate.js';
import { chooseOrder } from './choose-order.js';
import { type BatchContext, purgeEntity, purgeKeys } from './entity-purge.js';
import type { EntityRun } from './entity-run.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeOrder } from '../plan/purge-planner.js';
import { type AttemptOutcome, isolateFailures } from './isolate-failures.js';
import { pauseAfter } from '../batch/pause-after.js';
import { planCounting, type CountingPlan } from '../status/plan-counting.js';
import { removeUnit } from '../batch/remove-unit.js';
import { listOpen } from '../statements/list-open.js';
import type { StopSignal } from './stop-signal.js';
import { countDueRows, type DueCounts } from '../status/count-due-rows.js';

/** @internal */
export interface ExecutorOptions {
  readonly batchSize: number | undefined;
  /** Milliseconds; `undefined`: in proportion to the time that the database worked. */
  readonly pause: number | undefined;
  /** Milliseconds. */
  readonly lockTimeout: number;
  readonly gate: GateOptions;
  /** Finds out what holds cover now. */
  readonly holdsChanged: () => Promise<void>;
  /** After each committed batch, with how long the database worked for it, unless that is not known of each of its entities. */
  readonly onBatch: (run: EntityRun, gone: number, milliseconds: number | undefined) => void;
}

/** How long to wait for others, users or further instances, while nothing moves. Longer than any batch of theirs. */
const PATIENCE = 1_500;
/** How many rows of circles are looked for in one reading of what is left. */
const CIRCLES_AT_ONCE = 10_000;
/** In pages: reading so much for each row does little harm. */
const SMALL_TABLE = 100;

/**
 * Carries out a plan.
 *
 * @internal
 */
export class PurgeExecutor {
  readonly #runs: readonly EntityRun[];
  /** Those whose rows can reference each other in a circle. */
  readonly #circular: ReadonlySet<EntityRun>;
  readonly #gate: BatchGate;
  #countingPlan: Promise<CountingPlan> | undefined;

  constructor(
    private readonly connection: PurgeConnection,
    private readonly groups: readonly (readonly EntityRun[])[],
    private readonly options: ExecutorOptions,
    private readonly stop: StopSignal,
  ) {
    this.#runs = groups.flat();
    this.#circular = new Set(groups.filter(hasCircles).flat());
    this.#gate = new BatchGate(options.gate, this.#runs, connection, stop);
  }

  async run(): Promise<void> {
    let hasLeftovers = false;
    for (const group of this.groups) {
      hasLeftovers = (await this.#purgeGroup(group)) || hasLeftovers;
    }
    if (hasLeftovers) {
      await this.#finish();
    }
  }

  /** What a run would come to, without one. */
  async rehearse(): Promise<void> {
    const counted = await this.#countDueRows();
    this.#runs.forEach((run, e) => {
      run.purged = counted[e]!.open;
      run.counted({ ...counted[e]!, open: 0 }, true);
    });
  }

  /** Goes through the due rows until nothing more can go. Returns whether some are left. */
  async #purgeGroup(group: readonly EntityRun[]): Promise<boolean> {
    const isCircular = hasCircles(group);
    const context = new Map(group.map((run) => [run, this.#context(run)]));
    const waiting = new Set(group);
    for (let pass = 0; ; pass++) {
      const before = sum(group, ({ purged }) => purged);
      for (const run of group) {
        if (waiting.has(run)) {
          await run.timed(async () =>
            purgeEntity(run, await chooseOrder(this.connection, run, pass), context.get(run)!),
          );
        }
      }
      group.filter(({ passedOver }) => passedOver === 0).forEach((run) => waiting.delete(run));
      const left = sum(group, ({ passedOver }) => passedOver);
      const moved = sum(group, ({ purged }) => purged) - before;
      // What goes slowly this way goes together with what references it, in the end.
      if (!isCircular || waiting.size === 0 || (pass > 0 && moved <= left)) {
        return left > 0;
      }
    }
  }

  /** Tries the rest again, waits a while for those who lock it, and finds out why it stays. */
  async #finish(): Promise<void> {
    let lastOpen = Infinity;
    let movedAt = performance.now();
    for (let round = 0; ; round++) {
      this.stop.throwIfStopped();
      const counted = await this.#countDueRows();
      const open = counted.reduce((total, entity) => total + entity.open, 0);
      if (open < lastOpen) {
        movedAt = performance.now();
        round = 0;
      }
      lastOpen = open;
      const isOver = open === 0 || performance.now() - movedAt > PATIENCE;
      // Nobody has tried rows of circles before.
      this.#runs.forEach((run, e) => run.counted(counted[e]!, isOver || !this.#circular.has(run)));
      if (isOver) {
        return;
      }
      await this.stop.pause(Math.min(20 * round, 200));
      await this.#retry(counted);
      await this.#removeCircles(counted);
    }
  }

  async #countDueRows(): Promise<DueCounts[]> {
    return countDueRows(this.connection, this.#runs, await this.#planCounting());
  }

  /** Once: what is left only becomes less. */
  #planCounting(): Promise<CountingPlan> {
    this.#countingPlan ??= planCounting(
      this.connection,
      this.#runs.map(({ rows }) => rows),
    );
    return this.#countingPlan;
  }

  async #retry(counted: readonly DueCounts[]): Promise<void> {
    for (const [e, run] of this.#runs.entries()) {
      if (counted[e]!.open > 0 && !this.#circular.has(run)) {
        const context = this.#context(run);
        await run.timed(async () => {
          const room = await context.beforeBatch(run, context.size.current);
          const measure = this.connection.clock.start();
          const gone = await purgeKeys(run, await this.#open(e, room), context);
          await context.afterBatch(run, gone, measure().worked);
        });
      }
    }
  }

  /** Rows that may reference each other, together with what references them, as many at a time as a batch holds. */
  async #removeCircles(counted: readonly DueCounts[]): Promise<void> {
    for (const [e, run] of this.#runs.entries()) {
      if (counted[e]!.open > 0 && this.#circular.has(run)) {
        await run.timed(async () => this.#removeUnits(e, run, this.#context(run)));
      }
    }
  }

  async #removeUnits(e: number, run: EntityRun, context: BatchContext): Promise<void> {
    const keys = await this.#open(e, CIRCLES_AT_ONCE);
    run.startPass();
    while (keys.length > 0) {
      const some = keys.splice(0, await context.beforeBatch(run, context.size.current));
      const measure = this.connection.clock.start();
      await isolateFailures(
        some,
        (unit) => this.#removeUnit(e, unit, context),
        (key, error) => (error === undefined ? run.metLocked(1) : run.fail(key, error)),
      );
      const { worked, network } = measure();
      context.size.took(worked, some.length, network);
      await context.afterBatch(run, 0, worked);
    }
  }

  async #removeUnit(e: number, asked: readonly string[], { size, lockTimeout }: BatchContext): Promise<AttemptOutcome> {
    const keys = asked.filter((key) => !this.#runs[e]!.held.has(key));
    if (keys.length === 0) {
      return 'done';
    }
    try {
      const gone = await removeUnit(this.connection, this.#runs, e, keys, lockTimeout);
      for (const [position, removed] of (gone ?? []).entries()) {
        if (removed > 0) {
          const other = this.#runs[position]!;
          other.went(removed);
          other.batches++;
          this.options.onBatch(other, removed, undefined);
        }
      }
      return gone ? 'done' : { error: undefined, isCertain: false };
    } catch (error) {
      if (error instanceof HoldsChangedError) {
        await this.options.holdsChanged();
        return { error: undefined, isCertain: false };
      }
      const kind = classifyFailure(error);
      if (kind === 'fatal' || kind === 'connection') {
        throw error;
      }
      if (kind === 'slow') {
        size.timedOut();
      }
      return { error: kind === 'row' || kind === 'slow' ? error : undefined, isCertain: false };
    }
  }

  async #open(e: number, limit: number): Promise<string[]> {
    const counted = this.#runs.map((run) => ({ ...run.rows, failed: [...run.failures.keys()] }));
    const { areFew, settings } = await this.#planCounting();
    const rows = await this.connection.read<{ key: string }>(listOpen(counted, e, limit, areFew), settings);
    return rows.map(({ key }) => key);
  }

  #context(run: EntityRun): BatchContext {
    const { batchSize, lockTimeout, pause, holdsChanged, onBatch } = this.options;
    const isExpensive = run.plan.unindexed.some(({ from }) => from.pages > SMALL_TABLE) || run.hooks.length > 0;
    const limits = isExpensive ? EXPENSIVE_ROWS_LIMITS : BATCH_SIZE_LIMITS;
    return {
      connection: this.connection,
      size: new BatchSize(batchSize === undefined ? limits : batchSizeLimits(batchSize)),
      // Over partitions each place costs as much as many rows, since reading begins anew in every one of them.
      step: batchSize ?? (run.plan.entity.table.isPartitioned ? Infinity : BATCH_SIZE_LIMITS.start),
      lockTimeout,
      beforeBatch: (current, wanted) => this.#gate.pass(current, wanted),
      holdsChanged,
      afterBatch: async (current, gone, milliseconds) => {
        this.#gate.took(current, milliseconds);
        onBatch(current, gone, milliseconds);
        // Ends at once where the run has to.
        await this.stop.pause(pauseAfter(milliseconds, pause));
        this.stop.throwIfStopped();
      },
    };
  }
}

/** Whether rows of the group can reference each other in a circle. */
function hasCircles(group: readonly EntityRun[]): boolean {
  const entities = group.map(({ plan }) => plan.entity);
  return group.some(({ plan }) => plan.blockers.some(({ source }) => source && entities.includes(source)));
}

/** The runs of a plan in its order. @internal */
export function groupRuns(order: PurgeOrder, runs: readonly EntityRun[]): EntityRun[][] {
  return order.groups
    .map((group) => group.flatMap((plan) => runs.find((run) => run.plan === plan) ?? []))
    .filter((group) => group.length > 0);
}

function sum(runs: readonly EntityRun[], count: (run: EntityRun) => number): number {
  return runs.reduce((total, run) => total + count(run), 0);
}
