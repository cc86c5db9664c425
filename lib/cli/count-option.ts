import { Option } from 'commander';
import { CliError } from './cli.error.js';

/**
 * A flag that takes how many of something.
 *
 * @param what - what is counted: `rows`
 * @internal
 */
export function countOption(
  flags: string,
  description: string,
  { what, most, byDefault }: { readonly what: string; readonly most: number; readonly byDefault: number },
): Option {
  const option = new Option(flags, description).default(byDefault);
  return option.argParser((text) => {
    const count = Number(text);
    if (!/^\d+$/.test(text) || count < 1 || count > most) {
      throw new CliError(
        `${option.long!}: "${text}" is not a number of ${what}. Write a whole number from 1 to ${most}.`,
      );
    }
    return count;
  });
}
