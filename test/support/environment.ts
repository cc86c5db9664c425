import { AsyncLocalStorage } from 'node:async_hooks';
import jestNode = require('jest-environment-node');

/** The storages that have been entered since the last test file. */
const entered = new Set<AsyncLocalStorage<unknown>>();

/**
 * Node's own, which forgets the contexts of a file when its tests are over. An `AsyncLocalStorage` that was ever entered is written on
 * every promise of the process until it is disabled, and MikroORM, Nest, Jest and this package have several per test file: after
 * twenty files most of a worker's time went there, and what a file had loaded could never be collected.
 */
export default class Environment extends jestNode.TestEnvironment {
  override async teardown(): Promise<void> {
    await super.teardown();
    entered.forEach((storage) => storage.disable());
    entered.clear();
  }
}

for (const name of ['run', 'enterWith'] as const) {
  const original = AsyncLocalStorage.prototype[name] as (...args: unknown[]) => unknown;
  Object.assign(AsyncLocalStorage.prototype, {
    [name](this: AsyncLocalStorage<unknown>, ...args: unknown[]) {
      entered.add(this);
      return original.apply(this, args);
    },
  });
}
