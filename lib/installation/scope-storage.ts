import { AsyncLocalStorage } from 'node:async_hooks';
import type { DeletedScope } from '../metadata/active-predicate.js';

/**
 * One opened scope. What starts inside of it inherits it, however long that lives: timers, listeners, promises that nobody awaits. So
 * it can be closed, and shows active rows from then on.
 *
 * @internal
 */
export class OpenScope {
  #isOpen = true;
  readonly #outer: OpenScope | undefined;

  constructor(
    private readonly scope: DeletedScope,
    private readonly storage: AsyncLocalStorage<OpenScope | undefined>,
  ) {
    this.#outer = storage.getStore();
  }

  /** What it shows; `undefined` once it is closed. */
  get shown(): DeletedScope | undefined {
    return this.#isOpen ? this.scope : undefined;
  }

  /** Calls something inside of the scope. */
  enter<Result>(run: () => Result): Result {
    return this.storage.run(this, run);
  }

  /** Calls something inside of the scope that was there when this one was opened. */
  leave<Result>(run: () => Result): Result {
    return this.storage.run(this.#outer, run);
  }

  close(): void {
    this.#isOpen = false;
  }
}

/**
 * The scope that reads have unless they name another.
 *
 * @internal
 */
export class ScopeStorage {
  readonly #storage = new AsyncLocalStorage<OpenScope | undefined>();

  /** The scope around the caller; `undefined` outside of any, and after it was closed. */
  getStore(): DeletedScope | undefined {
    return this.#storage.getStore()?.shown;
  }

  /** A scope that stays open until it is closed. */
  open(scope: DeletedScope): OpenScope {
    return new OpenScope(scope, this.#storage);
  }

  /** Calls something inside of a scope that closes when the call has returned, and its promise has settled. */
  run<Result>(scope: DeletedScope, work: () => Result): Result {
    const opened = this.open(scope);
    const close = () => opened.close();
    let isPending = false;
    try {
      const result = opened.enter(work);
      if (result instanceof Promise) {
        isPending = true;
        result.then(close, close);
      }
      return result;
    } finally {
      if (!isPending) {
        close();
      }
    }
  }
}
