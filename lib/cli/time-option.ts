import { Option } from 'commander';
import { parseTime } from '../options/parse-time.js';
import { CliError } from './cli.error.js';

/** To some, a time without a zone is one of UTC, to others one of the machine's. */
const LACKS_ZONE = /T[\d:.]+$/;

/** A flag that takes a time. A day is its beginning, UTC. @internal */
export function timeOption(flag: string, description: string): Option {
  return new Option(`${flag} <date>`, description).argParser((text) => {
    const time = parseTime(text);
    if (!time || LACKS_ZONE.test(text)) {
      throw new CliError(`${flag}: "${text}" is not a date. Write it as 2027-01-31 or 2027-01-31T12:00:00Z.`);
    }
    return time;
  });
}
