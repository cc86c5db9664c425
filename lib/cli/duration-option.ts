import { Option } from 'commander';
import { type Duration, parseDuration, parseRetention } from '../options/duration.js';

/**
 * A flag that takes a length of time. What cannot be one is refused under the name that was typed.
 *
 * @internal
 */
export function durationOption(flag: string, description: string): Option {
  return new Option(`${flag} <duration>`, description).argParser((text) => parseDuration(flag, text as Duration));
}

/** `--retention`: what the module's options say. @internal */
export function retentionOption(): Option {
  return new Option(
    '--retention <duration>',
    "how long entities that name no retention are kept, such as 30d; default what the ORM's configuration says",
  ).argParser((text) => parseRetention('--retention', text as Duration));
}
