import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why a run ends before everything is done. @internal */
export type StopReason = 'time-budget' | 'aborted' | 'row-limit' | 'throttled';

/** Unwinds a run that was stopped while it waited. @internal */
export class StoppedError extends Error {
  constructor(readonly reason: StopReason) {
    super(`The purge was stopped: ${reason}.`);
  }
}

/**
 * When a run has to end: its time is up, or somebody aborts it. The time is measured by a clock that cannot be set.
 *
 * @internal
 */
export class StopSignal {
  readonly #deadline: number;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(timeBudget: number | undefined, signal: AbortSignal | undefined) {
    this.#deadline = timeBudget === undefined ? Infinity : performance.now() + timeBudget;
    // A timer cannot be set further ahead than this; the deadline itself is checked after each batch.
    const longest = 2 ** 31 - 1;
    if (timeBudget !== undefined && timeBudget < longest) {
      this.#timer = setTimeout(() => this.#controller.abort(), timeBudget);
      this.#timer.unref();
    }
    this.#signal = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal;
    this.#outer = signal;
  }

  readonly #outer: AbortSignal | undefined;

  get reason(): StopReason | undefined {
    if (this.#outer?.aborted) {
      return 'aborted';
    }
    return performance.now() >= this.#deadline || this.#controller.signal.aborted ? 'time-budget' : undefined;
  }

  /** How many milliseconds are left. */
  get remaining(): number {
    return Math.max(1, this.#deadline - performance.now());
  }

  error(): StoppedError {
    return new StoppedError(this.reason ?? 'aborted');
  }

  throwIfStopped(): void {
    if (this.reason) {
      throw this.error();
    }
  }

  /** Waits, but not longer than until the run has to end. */
  async pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0 && !this.reason) {
      await sleep(milliseconds, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  /**
   * Waits for a piece of work, or until the run has to end.
   *
   * @param mayLeave - whether the work may be left alone now; otherwise it is waited for
   */
  async race<Result>(work: Promise<Result>, mayLeave: () => boolean = () => true): Promise<Result> {
    let leave: () => void = () => undefined;
    const stopped = new Promise<never>((_, reject) => {
      leave = () => {
        if (mayLeave()) {
          reject(this.error());
        }
      };
      if (this.#signal.aborted) {
        leave();
      } else {
        this.#signal.addEventListener('abort', leave, { once: true });
      }
    });
    work.catch(() => undefined);
    try {
      return await Promise.race([work, stopped]);
    } finally {
      this.#signal.removeEventListener('abort', leave);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
