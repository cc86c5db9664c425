/**
 * How many times as long as the database worked for a batch a purge rests after it: it works a seventh of the time, so that most of what
 * others do meets none of its batches.
 */
const PAUSE_SHARE = 6;

/**
 * How long to rest after a batch, in milliseconds.
 *
 * @param worked - how many milliseconds the database worked for it
 * @param asked - what somebody has asked for
 * @internal
 */
export function pauseAfter(worked: number, asked: number | undefined): number {
  return asked ?? worked * PAUSE_SHARE;
}
