import type { Command } from 'commander';
import type { CliAction } from './cli-context.js';
import type { ExitCode } from './exit-code.js';

/** One command of `soft-delete`: a file in `commands/`, listed in `run-cli.ts`. @internal */
export interface CliCommand {
  /** One word, or two where it is one of a group. */
  readonly name: string;
  readonly description: string;
  /** Command lines that show what it is for. */
  readonly examples: readonly string[];
  /** What the codes mean that it exits with. */
  readonly exitCodes: Readonly<Partial<Record<ExitCode, string>>>;
  /** Takes `--schema`, and works in the context of that tenant. */
  readonly isPerTenant?: true;
  /** Ends in order when `signal` is aborted. A signal ends other commands at once, and the database rolls back what they were about. */
  readonly isInterruptible?: true;
  /** Whether the database has to answer. */
  readonly needsDatabase?: boolean;
  /** Adds the command's own arguments and flags. */
  readonly configure: (command: Command) => Command;
  readonly action: CliAction<never, never>;
}
