/** How large batches are, and how long one should take. @internal */
export interface BatchSizeLimits {
  readonly start: number;
  readonly smallest: number;
  readonly largest: number;
  /** Milliseconds. */
  readonly aim: number;
}

/** Unless the caller fixes the size, or a table needs more care. @internal */
export const BATCH_SIZE_LIMITS: BatchSizeLimits = { start: 500, smallest: 50, largest: 5_000, aim: 50 };

/**
 * The size of the next batch, from how long the ones before took. It grows at most fourfold and halves at most at a time, comes down at once
 * after a timeout, below the smallest size too, and goes up again when batches are fast.
 *
 * @internal
 */
export class BatchSize {
  #size: number;

  constructor(private readonly limits: BatchSizeLimits) {
    this.#size = limits.start;
  }

  get current(): number {
    return this.#size;
  }

  /** @param rows - how many rows the batch held, which is less than the size at the end of a table */
  took(milliseconds: number, rows: number): void {
    const { aim, smallest, largest } = this.limits;
    if (rows < this.#size / 2 && milliseconds < aim) {
      return;
    }
    const factor = Math.min(4, Math.max(0.5, aim / Math.max(milliseconds, 0.1)));
    const floor = Math.min(smallest, this.#size * 2);
    this.#size = Math.round(Math.min(largest, Math.max(floor, this.#size * factor)));
  }

  /** A much smaller size, after a batch that took many times as long as it should and came to nothing. */
  timedOut(): void {
    this.#size = Math.max(1, Math.floor(this.#size / 8));
  }
}
