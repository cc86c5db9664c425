import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { PurgeThrottle } from '../../options/purge-throttle.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';

/**
 * Returns a throttle that ends a run outside of certain hours, by the database's clock. The window may include midnight.
 *
 * ```ts
 * purge: { cron: '0 22 * * *', throttle: window({ from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }) }
 * ```
 *
 * @throws SoftDeleteConfigError if a time or the time zone is invalid
 * @publicApi
 */
export function window(options: {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}): PurgeThrottle {
  refuseUnknownOptions('window()', options, ['from', 'to', 'timeZone']);
  const [from, to] = [timeOfDay('from', options.from), timeOfDay('to', options.to)];
  const timeZone = zone(options.timeZone);
  if (from === to) {
    throw new SoftDeleteConfigError(
      'window()',
      `from and to are both ${from}.`,
      'Leave the window out for the whole day.',
    );
  }
  return async (_state, { read, quote }) => {
    const [row] = await read<{ time: string }>(
      `select to_char(clock_timestamp() at time zone ${quote(timeZone)}, 'HH24:MI') as time`,
    );
    const { time } = row!;
    const isInside = from < to ? from <= time && time < to : from <= time || time < to;
    return isInside ? 'go' : 'stop';
  };
}

function timeOfDay(name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^([01]\d|2[0-3]):[0-5]\d$/.test(value)) {
    throw new SoftDeleteConfigError(
      `window(), ${name}`,
      `${showValue(value)} is not a time of day.`,
      "Write hours and minutes, such as '22:00'.",
    );
  }
  return value;
}

function zone(value: unknown): string {
  if (!isZone(value)) {
    throw new SoftDeleteConfigError(
      'window(), timeZone',
      `${showValue(value)} is not a time zone.`,
      "Write a name of the IANA database, such as 'Europe/Berlin'.",
    );
  }
  return value;
}

/** A name: of `+02:00`, PostgreSQL makes a zone west of Greenwich, others one east of it. */
function isZone(value: unknown): value is string {
  try {
    return (
      typeof value === 'string' && !/^[+-]/.test(value) && Boolean(new Intl.DateTimeFormat('en', { timeZone: value }))
    );
  } catch {
    return false;
  }
}
