import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Who deletes or restores, and why.
 *
 * @publicApi
 */
export interface DeletionContext {
  /** @default the module's `actor()` */
  readonly actor?: string;
  readonly reason?: string;
}

/**
 * A context that is open. What starts inside of it inherits it, however long that lives, so it can be closed: a timer must not go on
 * deleting in the name of a request that is over.
 *
 * @internal
 */
export class OpenDeletionContext {
  #isOpen = true;
  readonly #outer = storage.getStore();

  constructor(private readonly given: DeletionContext) {}

  /** What it says, and what those around it say where it is silent. */
  get known(): DeletionContext {
    const outer = this.#outer?.known ?? {};
    return this.#isOpen ? { ...outer, ...this.given } : outer;
  }

  enter<Result>(run: () => Result): Result {
    return storage.run(this, run);
  }

  close(): void {
    this.#isOpen = false;
  }
}

const storage = new AsyncLocalStorage<OpenDeletionContext>();

/** Who deletes and why, as far as it was said around the caller. @internal */
export function currentDeletionContext(): DeletionContext {
  return storage.getStore()?.known ?? {};
}
