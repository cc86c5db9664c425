import { performance } from 'node:perf_hooks';

/** What a piece of work took, in milliseconds. @internal */
export interface Lap {
  /** By the database. */
  readonly worked: number;
  /** By the network. */
  readonly network: number;
}

/** How much slower than the fastest one known a trip may be, so that a network that becomes slower is noticed. */
const SLOWER = 1.01;

/**
 * Tells how long the database worked from how long it took to answer: what the fastest trip took is taken for the network's part of
 * every trip, and waiting for a connection of the pool is nobody's work.
 *
 * @internal
 */
export class WorkClock {
  #trips = 0;
  #waited = 0;
  #fastest = Infinity;

  /** A statement was answered. */
  answered(milliseconds: number): void {
    this.#trips++;
    this.#fastest = Math.min(milliseconds, this.#fastest * SLOWER);
  }

  /** Something was waited for that is no work. */
  waited(milliseconds: number): void {
    this.#waited += milliseconds;
  }

  /** Begins to measure. Returns what tells what has happened since. */
  start(): () => Lap {
    const [at, trips, waited] = [performance.now(), this.#trips, this.#waited];
    return () => {
      const since = this.#trips - trips;
      const network = since > 0 ? since * this.#fastest : 0;
      return { worked: Math.max(0, performance.now() - at - network - (this.#waited - waited)), network };
    };
  }
}
