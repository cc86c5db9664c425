import type { MikroORM } from '@mikro-orm/postgresql';
import type { ExitCode } from './exit-code.js';

/** What a command gets besides its own flags. @internal */
export interface CliContext {
  /** The application's ORM. */
  readonly orm: MikroORM;
  /** Whether the output is JSON, one object a line. */
  readonly json: boolean;
  /** Is aborted when the process is told to end, if the command is interruptible. */
  readonly signal: AbortSignal;
  /** Writes a line for people, or an object for programs, to the standard output. */
  print(line: string | object): void;
}

/** The work of a command, with the arguments that stand without a flag. @internal */
export type CliAction<Arguments extends readonly unknown[], Options> = (
  args: Arguments,
  options: Options,
  context: CliContext,
) => Promise<ExitCode>;
