import type { Command } from 'commander';
import type { CliAction } from './cli-context.js';

/** One command of `soft-delete`: a file in `commands/`, listed in `run-cli.ts`. @internal */
export interface CliCommand {
  readonly name: string;
  readonly description: string;
  /** Adds the command's own flags. */
  readonly configure: (command: Command) => Command;
  readonly action: CliAction<any>;
}
