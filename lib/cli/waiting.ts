/** How often the line shows that the work goes on. */
const INTERVAL = 500;

/**
 * Shows on a terminal that something takes its time, and takes the line away again.
 *
 * @internal
 */
export function startWaiting(what: string, json: boolean): { end(): void } {
  if (json || !process.stderr.isTTY) {
    return { end: () => undefined };
  }
  let dots = 0;
  const timer = setInterval(() => {
    dots = (dots % 3) + 1;
    process.stderr.write(`\r${what}${'.'.repeat(dots).padEnd(3)}`);
  }, INTERVAL);
  return {
    end: () => {
      clearInterval(timer);
      process.stderr.write('\r\u001b[K');
    },
  };
}
