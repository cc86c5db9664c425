import { finished, Readable, type Writable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { Observable } from 'rxjs';
import { keepStreamInScope } from '../filter/keep-in-scope.js';
import type { DeletedScope } from '../metadata/active-predicate.js';
import type { OpenScope, ScopeStorage } from '../installation/scope-storage.js';

/**
 * Subscribes to a source inside a scope, and hands what it emits on outside of it: what listens further out (the interceptors
 * around, the platform) keeps the scope it had. The scope closes when the source has ended and the streams that it gave are read; what
 * the handler has left running sees active rows from then on.
 *
 * @param response - where the answer goes, if it is one of HTTP. A handler that answers by itself, without a value, may be writing
 * until this is finished
 * @internal
 */
export function observeInScope<T>(
  storages: readonly ScopeStorage[],
  scope: DeletedScope,
  source: () => Observable<T>,
  response?: Writable,
): Observable<T> {
  return new Observable((subscriber) => {
    const opened = storages.map((storage) => storage.open(scope));
    const enter = <R>(run: () => R): R => nest(opened, 'enter', run);
    const leave = <R>(run: () => R): R => nest(opened, 'leave', run);
    const open = new Set<unknown>([source]);
    let last: unknown;
    const ended = (what: unknown) => {
      open.delete(what);
      if (open.size === 0) {
        opened.forEach((each) => each.close());
      }
    };
    const waitForResponse = () => {
      if (response && !response.writableFinished && !response.destroyed) {
        open.add(response);
        finished(response, { readable: false }, () => ended(response));
      }
    };
    if (response) {
      // A client that goes away leaves streams behind which nobody reads any more.
      finished(response, { readable: false }, () => [...open].forEach((what) => what !== source && ended(what)));
    }
    const subscription = enter(() =>
      source().subscribe({
        next: (value) => {
          last = value;
          const stream = value instanceof StreamableFile ? value.getStream() : value;
          if (stream instanceof Readable) {
            open.add(stream);
            keepStreamInScope(stream, enter, () => ended(stream));
          }
          leave(() => subscriber.next(value));
        },
        error: (error) => {
          leave(() => subscriber.error(error));
          ended(source);
        },
        complete: () => {
          if (answersItself(last, response)) {
            waitForResponse();
          }
          leave(() => subscriber.complete());
          ended(source);
        },
      }),
    );
    return () => {
      subscription.unsubscribe();
      ended(source);
    };
  });
}

/** Whether a handler's result says that the handler writes the response, rather than the platform. */
function answersItself(result: unknown, response: Writable | undefined): boolean {
  return result === undefined || result === response || (result as { raw?: unknown } | null)?.raw === response;
}

function nest<R>(opened: readonly OpenScope[], way: 'enter' | 'leave', run: () => R): R {
  return opened.reduce<() => R>((inner, each) => () => each[way](inner), run)();
}
