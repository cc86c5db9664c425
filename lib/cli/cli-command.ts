import type { Command } from 'commander';
import type { CliAction } from './cli-context.js';
import type { ExitCode } from './exit-code.js';

/** One command of `soft-delete`: a file in `commands/`, listed in `run-cli.ts`. @internal */
export interface CliCommand {
  readonly name: string;
  readonly description: string;
  /** Command lines that show what it is for. */
  readonly examples: readonly string[];
  /** What the codes mean that it exits with. */
  readonly exitCodes: Readonly<Partial<Record<ExitCode, string>>>;
  /** Whether the database has to answer. */
  readonly needsDatabase?: boolean;
  /** Adds the command's own arguments and flags. */
  readonly configure: (command: Command) => Command;
  readonly action: CliAction<any, any>;
}
