const LONGEST = 64;

/**
 * Decides whether a batch may rely on the database's foreign keys to refuse blocked rows. That is faster than checking first, but undoes
 * the batch if a row of it is blocked. Each refusal doubles the number of batches that check first.
 *
 * @internal
 */
export class OptimisticBatches {
  #remaining = 0;
  #penalty = 1;

  get isAllowed(): boolean {
    return this.#remaining === 0;
  }

  refused(): void {
    this.#remaining = this.#penalty;
    this.#penalty = Math.min(LONGEST, this.#penalty * 2);
  }

  /** A batch that looked first has found this many blocked rows. */
  checked(blocked: number): void {
    if (blocked > 0) {
      this.#remaining = Math.max(this.#remaining, this.#penalty);
    } else if (this.#remaining > 0) {
      this.#remaining--;
    }
  }
}
