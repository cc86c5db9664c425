import ms from 'ms';
import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

const WITH_UNIT = /^\d*\.?\d+ *[a-z]+$/i;
const WITHOUT_UNIT = /^\s*(\d+(?:\.\d+)?)\s*$/;

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w' | 'y' | 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks' | 'years';

/**
 * A length of time: milliseconds as a number, or text with a unit such as `'30d'`, `'12h'` or `'90 days'`. Text without a unit is
 * refused. A day is 24 hours and a year 365.25 days, as in the `ms` package.
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
  const value = typeof duration === 'string' ? parseText(duration) : duration;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    const bare = typeof duration === 'string' && WITHOUT_UNIT.exec(duration)?.[1];
    throw bare
      ? new SoftDeleteConfigError(
          option,
          `${showValue(duration)} has no unit.`,
          `Write what it counts, such as '${bare}d' for days or '${bare}h' for hours. Milliseconds are a number, without quotes.`,
        )
      : new SoftDeleteConfigError(
          option,
          `${showValue(duration)} is not a duration.`,
          "Write milliseconds as a number, or text such as '30d', '12h' or '15m'.",
        );
  }
  return value;
}

/** `ms` reads text without a unit as milliseconds: `'90'` from an environment variable, which meant days. */
function parseText(duration: string): number | undefined {
  return duration.length <= 100 && WITH_UNIT.test(duration) ? ms(duration as ms.StringValue) : undefined;
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
