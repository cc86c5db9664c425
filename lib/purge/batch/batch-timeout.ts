/** Longer than any batch should take, so that a timeout means that the next ones have to be smaller. In milliseconds. */
const SHORTEST = 500;
const LONGEST = 60_000;

/** How long the rows of a batch may keep a statement busy: doubles with each further timeout, and halves after quick batches. @internal */
export class BatchTimeout {
  #milliseconds = SHORTEST;
  #hasTimedOut = false;

  get milliseconds(): number {
    return this.#milliseconds;
  }

  took(milliseconds: number): void {
    this.#hasTimedOut = false;
    if (milliseconds < this.#milliseconds / 8) {
      this.#milliseconds = Math.max(SHORTEST, this.#milliseconds / 2);
    }
  }

  /** The first timeout makes batches smaller. Only where that did not help, they get more time. */
  timedOut(): void {
    if (this.#hasTimedOut) {
      this.#milliseconds = Math.min(LONGEST, this.#milliseconds * 2);
    }
    this.#hasTimedOut = true;
  }
}
