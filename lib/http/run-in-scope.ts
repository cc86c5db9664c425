import type { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { DeletedScope } from '../metadata/active-predicate.js';

type Storage = AsyncLocalStorage<DeletedScope>;

/**
 * Subscribes to a source inside a scope, and hands what it emits on outside of it: what listens further out (the interceptors
 * around, the platform) keeps the scope it had.
 *
 * @internal
 */
export function runInScope<T>(
  storages: readonly Storage[],
  scope: DeletedScope,
  source: () => Observable<T>,
): Observable<T> {
  return new Observable((subscriber) => {
    const outer = storages.map((storage) => storage.getStore() ?? 'active');
    const enter = <R>(run: () => R): R => nest(storages, (_storage) => scope, run);
    const leave = <R>(run: () => R): R => nest(storages, (_storage, index) => outer[index]!, run);
    return enter(() =>
      source().subscribe({
        next: (value) => {
          readInScope(value, enter);
          leave(() => subscriber.next(value));
        },
        error: (error) => leave(() => subscriber.error(error)),
        complete: () => leave(() => subscriber.complete()),
      }),
    );
  });
}

function nest<R>(
  storages: readonly Storage[],
  scopeOf: (storage: Storage, index: number) => DeletedScope,
  run: () => R,
): R {
  return storages.reduce<() => R>((inner, storage, index) => () => storage.run(scopeOf(storage, index), inner), run)();
}

/**
 * A stream is read after the handler has returned it, by the platform: a generator behind it would start its queries outside
 * of the scope.
 */
function readInScope(value: unknown, enter: <R>(run: () => R) => R): void {
  const stream = value instanceof StreamableFile ? value.getStream() : value;
  if (stream instanceof Readable) {
    const read = stream._read;
    stream._read = function readUnderScope(size) {
      enter(() => read.call(this, size));
    };
  }
}
