/** How large batches are, and how long the rows of one should take. @internal */
export interface BatchSizeLimits {
  readonly start: number;
  readonly smallest: number;
  readonly largest: number;
  /** Milliseconds. */
  readonly aim: number;
  /** How long they may take where a batch takes long anyway, in milliseconds. */
  readonly longest: number;
}

/** Unless the caller fixes the size, or a table needs more care. @internal */
export const BATCH_SIZE_LIMITS: BatchSizeLimits = { start: 500, smallest: 50, largest: 5_000, aim: 50, longest: 100 };

/** Longer than any batch should take, so that the next ones are smaller. In milliseconds. */
const STATEMENT_TIMEOUT = 500;
const LONGEST_STATEMENT_TIMEOUT = 60_000;
/** How far two sizes have to be apart to tell what a row takes from what a batch takes anyway. */
const DISTINCT = 1.25;
/** How much larger the second batch is where the first one took about as long as it should, to find out why. */
const PROBE = 1.5;

/**
 * The size of the next batch, from how long the ones before took.
 *
 * A batch costs something whatever it holds: trips over the network, the planning of a statement over many partitions. Two batches of
 * different sizes tell this apart from what their rows cost, and only the latter is what a smaller batch saves. So the size follows the
 * time per row; where shrinking has not helped, what was taken for the cost of rows is known as that of the batch, and the size grows
 * back.
 *
 * It grows at most fourfold and halves at most at a time, and comes down at once after a timeout, below the smallest size too.
 *
 * @internal
 */
export class BatchSize {
  #size: number;
  /** What a batch takes without its rows, as far as it is known. */
  #fixed: number | undefined;
  #before: { readonly rows: number; readonly ms: number } | undefined;
  #timeout = STATEMENT_TIMEOUT;
  #hasTimedOut = false;

  constructor(private readonly limits: BatchSizeLimits) {
    this.#size = limits.start;
  }

  get current(): number {
    return this.#size;
  }

  /** How long a statement over a batch may take, in milliseconds. */
  get statementTimeout(): number {
    return this.#timeout;
  }

  /**
   * @param milliseconds - how long the database worked
   * @param rows - how many rows the batch held: one that was not full, at the end of a table, tells nothing about the size
   * @param network - how many milliseconds the batch took besides
   */
  took(milliseconds: number, rows: number, network = 0): void {
    this.#hasTimedOut = false;
    if (milliseconds < this.#timeout / 8) {
      this.#timeout = Math.max(STATEMENT_TIMEOUT, this.#timeout / 2);
    }
    if (rows < this.#size / 2) {
      return;
    }
    const { aim, smallest, largest, longest: patience } = this.limits;
    // Where each row is expensive, a mistake about what a batch takes anyway would be as well.
    if (patience > aim) {
      this.#compare(milliseconds, rows);
    }
    const fixed = this.#fixed ?? 0;
    const perRow = Math.max(0, milliseconds - fixed) / rows;
    // Where a batch costs much anyway, its rows may take so much longer, within reason: users wait for them.
    const longest = Math.min(patience, aim + fixed + network);
    const wanted = perRow > 0 ? longest / perRow : Infinity;
    const floor = Math.min(smallest, this.#size * 2);
    const isProbe =
      this.#fixed === undefined && aim < patience && wanted > this.#size / DISTINCT && wanted < this.#size * DISTINCT;
    const next = isProbe ? this.#size * PROBE : Math.min(this.#size * 4, Math.max(this.#size / 2, wanted));
    this.#size = Math.round(Math.min(largest, Math.max(floor, next)));
  }

  /**
   * A much smaller size, after a batch that took many times as long as it should and came to nothing. Where that did not help, the
   * next ones may take longer.
   */
  timedOut(): void {
    if (this.#hasTimedOut) {
      this.#timeout = Math.min(LONGEST_STATEMENT_TIMEOUT, this.#timeout * 2);
    }
    this.#hasTimedOut = true;
    this.#before = undefined;
    this.#size = Math.max(1, Math.floor(this.#size / 8));
  }

  /**
   * The line through this batch and one of another size begins at what a batch takes without rows. Every measurement has its noise, so
   * half of what is found later is believed.
   */
  #compare(ms: number, rows: number): void {
    const before = this.#before;
    if (before && Math.max(rows, before.rows) < DISTINCT * Math.min(rows, before.rows)) {
      return;
    }
    if (before) {
      const perRow = (ms - before.ms) / (rows - before.rows);
      const found = Math.min(ms, before.ms, Math.max(0, ms - perRow * rows));
      this.#fixed = this.#fixed === undefined ? found : (this.#fixed + found) / 2;
    }
    this.#before = { rows, ms };
  }
}
