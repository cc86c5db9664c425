import { Readable } from 'node:stream';
import type { OpenScope } from '../installation/scope-storage.js';

type Rows = AsyncGenerator<unknown, unknown, unknown>;

/**
 * Has a stream read inside of scopes, whoever reads it: a generator behind it would start its queries in the reader's.
 *
 * @param ended - is called when nothing more can be read
 * @internal
 */
export function keepStreamInScope(
  stream: Readable,
  enter: <Result>(run: () => Result) => Result,
  ended: () => void,
): void {
  const read = stream._read;
  stream._read = function readInScope(size) {
    enter(() => read.call(this, size));
  };
  if (stream.closed || (stream.destroyed && stream.errored)) {
    ended();
  } else {
    stream.once('close', ended);
  }
}

/** An asynchronous generator that runs inside of a scope until it ends. @internal */
export function keepGeneratorInScope(rows: Rows, opened: OpenScope): Rows {
  const step = async (run: () => Promise<IteratorResult<unknown, unknown>>) => {
    try {
      const result = await opened.enter(run);
      if (result.done) {
        opened.close();
      }
      return result;
    } catch (error) {
      opened.close();
      throw error;
    }
  };
  const kept = {
    next: (...args: [] | [unknown]) => step(() => rows.next(...args)),
    return: (value: unknown) => step(() => rows.return(value)),
    throw: (error: unknown) => step(() => rows.throw(error)),
    [Symbol.asyncIterator]: () => kept,
    [Symbol.asyncDispose]: async () => {
      await kept.return(undefined);
    },
  };
  return kept as unknown as Rows;
}

/** @internal */
export function isAsyncGenerator(value: unknown): value is Rows {
  return Object.prototype.toString.call(value) === '[object AsyncGenerator]';
}
