import ms from 'ms';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w' | 'y' | 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks' | 'years';

/**
 * A length of time: milliseconds as a number, or text such as `'30d'`, `'12h'` or `'90 days'`. A day is 24 hours and a
 * year 365.25 days, as in the `ms` package.
 *
 * @publicApi
 */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

/**
 * Milliseconds of a duration.
 *
 * @param option - where the value was given, for the message
 * @throws SoftDeleteConfigError if it does not parse or is negative
 * @internal
 */
export function parseDuration(option: string, duration: Duration): number {
  let value: number | undefined;
  if (typeof duration === 'number') {
    value = duration;
  } else if (typeof duration === 'string' && duration.trim() !== '' && duration.length <= 100) {
    value = ms(duration as ms.StringValue);
  }
  if (value === undefined || !Number.isFinite(value) || value < 0) {
    throw new SoftDeleteConfigError(
      option,
      `${JSON.stringify(duration)} is not a duration.`,
      "Write milliseconds as a number, or text such as '30d', '12h' or '15m'.",
    );
  }
  return value;
}

/**
 * Milliseconds of a retention, or `'forever'`.
 *
 * @throws SoftDeleteConfigError if it is neither
 * @internal
 */
export function parseRetention(option: string, retention: Duration | 'forever'): number | 'forever' {
  return retention === 'forever' ? retention : parseDuration(option, retention);
}
