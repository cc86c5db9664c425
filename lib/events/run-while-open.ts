/** What is open until it is closed, for what is called inside of it. */
interface Opened {
  enter<Result>(run: () => Result): Result;
  close(): void;
}

/**
 * Calls a function inside of what was opened, and closes that when the function has returned and its promise has settled.
 *
 * @param keep - for results that go on after they were returned: gives what takes their place and closes by itself, or `undefined`
 * @internal
 */
export function runWhileOpen(
  opened: Opened,
  fn: () => unknown,
  keep: (result: unknown) => unknown = () => undefined,
): unknown {
  let result: unknown;
  try {
    result = opened.enter(fn);
  } catch (error) {
    opened.close();
    throw error;
  }
  if (isThenable(result)) {
    // What begins when it is awaited begins here.
    const thenable = result;
    return opened.enter(() => Promise.resolve(thenable)).finally(() => opened.close());
  }
  const kept = keep(result);
  if (kept === undefined) {
    opened.close();
  }
  return kept ?? result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
