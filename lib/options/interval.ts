import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type Duration, parseDuration } from './duration.js';

/**
 * A length of time that may be counted in months of the calendar: `'1 month'`, `'3 months'`, `'30d'`.
 *
 * @publicApi
 */
export type CalendarDuration = Duration | `${number} month` | `${number} months`;

const DAY = 24 * 60 * 60 * 1_000;
const LONGEST = 1_000 * 365.25 * DAY;

const CALENDAR = /^(\d+) *(months?|y|years?)$/i;

/**
 * A length of time as PostgreSQL reads an interval. Months and whole years are those of the calendar.
 *
 * @param option - where the value was given, for the message
 * @throws SoftDeleteConfigError if it is none, or nothing
 * @internal
 */
export function intervalOf(option: string, duration: CalendarDuration): string {
  const [, count, unit] = (typeof duration === 'string' && CALENDAR.exec(duration)) || [];
  const interval = count
    ? `${Number(count)} ${/^m/i.test(unit!) ? 'months' : 'years'}`
    : `${parseDuration(option, duration as Duration)} milliseconds`;
  const isTooLong = lengthOf(interval).longest > LONGEST;
  if (isTooLong || interval.startsWith('0 ')) {
    throw new SoftDeleteConfigError(
      option,
      `${showValue(duration)} is ${isTooLong ? 'longer than a thousand years' : 'not a positive duration'}.`,
      "Write for example '1 month'.",
    );
  }
  return interval;
}

/** Milliseconds of each unit of an interval, as short as it may be and as long. */
const UNITS: Readonly<Record<string, readonly [shortest: number, longest: number]>> = {
  milliseconds: [1, 1],
  months: [28 * DAY, 31 * DAY],
  years: [365 * DAY, 365.25 * DAY],
};

/** How many milliseconds an interval of `intervalOf()` has, at least and on average at most. @internal */
export function lengthOf(interval: string): { readonly shortest: number; readonly longest: number } {
  const [count, unit] = interval.split(' ') as [string, string];
  const [shortest, longest] = UNITS[unit]!;
  return { shortest: Number(count) * shortest, longest: Number(count) * longest };
}
