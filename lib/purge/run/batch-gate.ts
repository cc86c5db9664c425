import { PurgeThrottleError } from '../../errors/purge-throttle.error.js';
import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import type { PurgeThrottle, PurgeThrottleDatabase } from '../../options/purge-throttle.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { StoppedError, type StopSignal } from './stop-signal.js';

/** What may keep a run from its next batch. @internal */
export interface GateOptions {
  readonly throttles: readonly PurgeThrottle[];
  /** How many rows the run may remove; `undefined`: all. */
  readonly maxRows: number | undefined;
}

/** The purge of one entity, as far as the gate looks at it. @internal */
export interface GatedRun {
  readonly name: string;
  /** The quoted name of the table that rows are removed from. */
  readonly table: string;
  readonly purged: number;
}

/** How long a throttle that says `'wait'` is left alone, in milliseconds: longer each time. */
const [SHORTEST_WAIT, LONGEST_WAIT] = [100, 5_000];

/**
 * What each batch passes before it begins, with no connection and no transaction held: throttles, and the number of rows that a run may
 * remove.
 *
 * @internal
 */
export class BatchGate {
  readonly #batchMs = new Map<GatedRun, number>();

  constructor(
    private readonly options: GateOptions,
    private readonly runs: readonly GatedRun[],
    private readonly connection: PurgeConnection,
    private readonly stop: StopSignal,
  ) {}

  /** A batch is over. */
  took(run: GatedRun, milliseconds: number): void {
    this.#batchMs.set(run, milliseconds);
  }

  /**
   * Returns once the next batch may begin.
   *
   * @param size - how many rows it would like to remove
   * @returns how many it may
   * @throws StoppedError if none may
   * @throws PurgeThrottleError if a throttle fails
   */
  async pass(run: GatedRun, size: number): Promise<number> {
    this.stop.throwIfStopped();
    const { throttles, maxRows } = this.options;
    const purged = this.runs.reduce((total, each) => total + each.purged, 0);
    const left = (maxRows ?? Infinity) - purged;
    if (left <= 0) {
      throw new StoppedError('row-limit');
    }
    for (let wait = SHORTEST_WAIT; throttles.length > 0; wait = Math.min(LONGEST_WAIT, wait * 2)) {
      const answer = await this.#ask(run);
      this.stop.throwIfStopped();
      if (answer === 'stop') {
        throw new StoppedError('throttled');
      }
      if (answer === 'go') {
        break;
      }
      await this.stop.pause(wait);
      this.stop.throwIfStopped();
    }
    return Math.min(size, left);
  }

  /** The strictest answer. */
  async #ask(run: GatedRun): Promise<'go' | 'wait' | 'stop'> {
    const state = { entity: run.name, purged: run.purged, batchMs: Math.round(this.#batchMs.get(run) ?? 0) };
    const database: PurgeThrottleDatabase = {
      table: run.table,
      quote: this.connection.quote,
      read: (sql) => this.connection.read(sql),
    };
    let strictest: 'go' | 'wait' = 'go';
    for (const throttle of this.options.throttles) {
      const answer: unknown = await this.#call(run, () => throttle(state, database));
      if (answer === 'stop') {
        return 'stop';
      }
      if (answer !== 'go' && answer !== 'wait') {
        throw new PurgeThrottleError(run.name, { answer });
      }
      strictest = answer === 'wait' ? 'wait' : strictest;
    }
    return strictest;
  }

  async #call(run: GatedRun, throttle: () => unknown): Promise<unknown> {
    try {
      return await this.stop.race(Promise.resolve(throttle()));
    } catch (error) {
      if (error instanceof StoppedError || error instanceof SoftDeleteError) {
        throw error;
      }
      throw new PurgeThrottleError(run.name, { thrown: error });
    }
  }
}
