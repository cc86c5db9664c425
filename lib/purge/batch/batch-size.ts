import { BatchCosts, DISTINCT } from './batch-costs.js';
import type { BatchSizeLimits } from './batch-size-limits.js';
import { BatchTimeout } from './batch-timeout.js';

/** How much smaller a probe is than the batch that gave reason for it. */
const PROBE = 16;

/** After how many batches the fixed part is looked at again. */
const PROBES_AGAIN = 12;

/** By what share of itself the fixed part differs from one batch to the next. */
const NOISE = 0.5;

/**
 * The size of the next batch, from how long the ones before took.
 *
 * Each batch has a fixed cost, and a smaller one only saves what its rows cost. So the size follows the time per row. Where a batch takes
 * about as long as it should or longer, a probe, a much smaller batch, tells the two apart.
 *
 * The size grows at most fourfold and halves at most at a time, and comes down at once after a timeout, below the smallest size too.
 *
 * @internal
 */
export class BatchSize {
  readonly #costs: BatchCosts;
  readonly #timeout = new BatchTimeout();
  #size: number;
  /** While a probe is made: the size to go on with after it. */
  #sizeAfterProbe: number | undefined;
  #sinceProbe = 0;

  constructor(private readonly limits: BatchSizeLimits) {
    this.#size = limits.start;
    this.#costs = new BatchCosts(limits.aim);
  }

  get current(): number {
    return this.#size;
  }

  /** How long a statement over a batch may take, in milliseconds. */
  get statementTimeout(): number {
    // The fixed part is mostly over before the statement locks a row.
    return Math.ceil(this.#timeout.milliseconds + this.#costs.split().fixed);
  }

  /**
   * @param milliseconds - how long the database worked
   * @param rows - how many rows the batch held: one that was not full, at the end of a table, tells nothing about the size
   * @param network - how many milliseconds the batch took besides
   */
  took(milliseconds: number, rows: number, network = 0): void {
    this.#timeout.took(milliseconds);
    if (rows < this.#size / 2) {
      return;
    }
    this.#learn(rows, milliseconds);
    const wanted = this.#wanted(network);
    if (this.#isProbeDue(wanted)) {
      this.#beginProbe();
    } else {
      this.#size = this.#towards(wanted);
    }
  }

  /**
   * A much smaller size, after a batch that took many times as long as it should and came to nothing. Where that did not help, the
   * next ones may take longer.
   */
  timedOut(): void {
    this.#timeout.timedOut();
    this.#costs.forget();
    this.#sizeAfterProbe = undefined;
    this.#size = Math.max(1, Math.floor(this.#size / 8));
  }

  #learn(rows: number, ms: number): void {
    if (this.#sizeAfterProbe === undefined) {
      this.#costs.learn({ rows, ms });
      this.#sinceProbe++;
      return;
    }
    this.#costs.learnSmall({ rows, ms });
    this.#sinceProbe = 0;
    this.#size = this.#sizeAfterProbe;
    this.#sizeAfterProbe = undefined;
  }

  /** How many rows a batch can hold for them to take as long as they may. */
  #wanted(network: number): number {
    const { aim, longest } = this.limits;
    const { fixed, perRow } = this.#costs.split();
    // Beside a large fixed part the rows may take longer, but users wait for their locks: at most `longest`.
    const patient = Math.min(longest, aim + fixed + network);
    // Rows may always take as long as the fixed part of the database, or it would be busy with little else.
    return Math.max(fixed, patient) / perRow;
  }

  #isProbeDue(wanted: number): boolean {
    const { aim, longest, smallest, largest } = this.limits;
    // Where each row is expensive, a mistake about the fixed part would be as well. A size that is fixed needs no probe.
    if (aim >= longest || smallest >= largest) {
      return false;
    }
    const isLimited = wanted < this.#size * DISTINCT;
    if (!this.#costs.hasSmall) {
      return isLimited;
    }
    return this.#sinceProbe >= PROBES_AGAIN && (isLimited || this.#costs.split().fixed > aim / 2);
  }

  #beginProbe(): void {
    if (this.#size < 2 * PROBE) {
      // After timeouts: this batch was small itself, so the next one is the larger one to compare it with.
      this.#costs.takeRecentAsSmall();
      this.#sinceProbe = 0;
      this.#size *= 4;
      return;
    }
    this.#costs.forgetSmall();
    this.#sizeAfterProbe = this.#size;
    this.#size = Math.round(this.#size / PROBE);
  }

  #towards(wanted: number): number {
    const { smallest, largest } = this.limits;
    const { fixed, perRow } = this.#costs.split();
    // Cheap rows are lost in the noise of the fixed part. A larger batch shows what they cost.
    const least = perRow * this.#size < fixed * NOISE ? this.#size * 2 : this.#size / 2;
    const next = Math.min(this.#size * 4, Math.max(least, wanted));
    // After timeouts the size may be below the smallest one. It doubles until it is back.
    return Math.round(Math.min(largest, Math.max(Math.min(smallest, this.#size * 2), next)));
  }
}
