import { Option } from 'commander';
import { CliError } from './cli.error.js';

/** A day, or a time with its zone. */
const WRITTEN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** A flag that takes a time. A day is its beginning, UTC. @internal */
export function timeOption(flag: string, description: string): Option {
  return new Option(`${flag} <date>`, description).argParser((text) => {
    const time = new Date(text);
    // `new Date('2026-02-31')` is a day of March.
    if (!WRITTEN.test(text) || Number.isNaN(time.getTime()) || !isDay(text.slice(0, 10))) {
      throw new CliError(`${flag}: "${text}" is no date. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.`);
    }
    return time;
  });
}

function isDay(text: string): boolean {
  const day = new Date(text);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
