const LONGEST = 64;

/**
 * Whether batches may leave it to the database's foreign keys to refuse blocked rows, which is faster than looking first, but loses
 * the batch if one is among them. Each loss doubles the number of batches that look first.
 *
 * @internal
 */
export class Trust {
  #remaining = 0;
  #penalty = 1;

  get isGiven(): boolean {
    return this.#remaining === 0;
  }

  lost(): void {
    this.#remaining = this.#penalty;
    this.#penalty = Math.min(LONGEST, this.#penalty * 2);
  }

  /** A batch that looked first has found this many blocked rows. */
  looked(blocked: number): void {
    if (blocked > 0) {
      this.#remaining = Math.max(this.#remaining, this.#penalty);
    } else if (this.#remaining > 0) {
      this.#remaining--;
    }
  }
}
