import { Option } from 'commander';
import { parseTime } from '../options/parse-time.js';
import { CliError } from './cli.error.js';

/** A day, or a time with its zone. */
const WRITTEN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** A flag that takes a time. A day is its beginning, UTC. @internal */
export function timeOption(flag: string, description: string): Option {
  return new Option(`${flag} <date>`, description).argParser((text) => {
    const time = parseTime(text);
    if (!WRITTEN.test(text) || !time) {
      throw new CliError(`${flag}: "${text}" is no date. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.`);
    }
    return time;
  });
}
