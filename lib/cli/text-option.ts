import { Option } from 'commander';
import { CliError } from './cli.error.js';

/** A flag that takes text which says something. @internal */
export function textOption(flag: string, description: string): Option {
  return new Option(`${flag} <text>`, description).argParser((text) => {
    if (text.trim() === '') {
      throw new CliError(`${flag}: it is empty. Write a text that people will understand later.`);
    }
    return text;
  });
}
