import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { CliCommand } from './cli-command.js';
import type { CliContext } from './cli-context.js';
import { archiveCommand } from './commands/archive.command.js';
import { doctorCommand } from './commands/doctor.command.js';
import { eraseCommand } from './commands/erase.command.js';
import { erasuresCommand } from './commands/erasures.command.js';
import { holdListCommand } from './commands/hold-list.command.js';
import { holdPlaceCommand } from './commands/hold-place.command.js';
import { holdReleaseCommand } from './commands/hold-release.command.js';
import { listCommand } from './commands/list.command.js';
import { logCommand } from './commands/log.command.js';
import { policyCommand } from './commands/policy.command.js';
import { purgeCommand } from './commands/purge.command.js';
import { restoreCommand } from './commands/restore.command.js';
import { statusCommand } from './commands/status.command.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { firstLine } from '../errors/text/first-line.js';
import { plainValue } from '../metadata/plain-value.js';
import { inTenant } from './tenant/in-tenant.js';
import { loadOrm } from './load-orm.js';

const COMMANDS: readonly CliCommand[] = [
  listCommand,
  logCommand,
  holdPlaceCommand,
  holdReleaseCommand,
  holdListCommand,
  eraseCommand,
  erasuresCommand,
  restoreCommand,
  purgeCommand,
  statusCommand,
  doctorCommand,
  policyCommand,
  archiveCommand,
];

/**
 * Runs the command that the arguments name. Whatever goes wrong is one line on the standard error output.
 *
 * @internal
 */
export async function runCli(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT_CODE.done;
  const program = new Command('soft-delete')
    .description('Lists and restores soft-deleted rows, purges those past their retention, and checks the schema.')
    .version(ownVersion(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of COMMANDS) {
    const configured = command.configure(addCommand(program, command.name).description(command.description));
    if (command.isPerTenant) {
      configured.option('--schema <name>', "the schema of a tenant, for entities of the schema '*'");
    }
    configured
      .option('--config <path>', 'the MikroORM configuration, instead of the one that the mikro-orm command finds')
      .option('--context-name <name>', 'which of several MikroORM configurations')
      .option('--json', 'print JSON, one object per line')
      .helpOption('--help', 'print this help')
      .addHelpText('after', () => helpAfter(command))
      .allowExcessArguments(false)
      .exitOverride()
      .action(async (...given: unknown[]) => {
        // Commander's last two are the flags and the command itself.
        code = await execute(command, given.slice(0, -2), given.at(-2) as CommonFlags);
      });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.error;
    }
    console.error(`soft-delete: ${firstLine(error)}`);
    return EXIT_CODE.error;
  }
}

/** What the groups of commands are about: those of `hold place` and the like. */
const GROUPS: Readonly<Record<string, string>> = {
  hold: 'keep rows from being removed for good while somebody needs them',
};

function addCommand(program: Command, name: string): Command {
  const [first, second] = name.split(' ');
  if (second === undefined) {
    return program.command(name);
  }
  const group =
    program.commands.find((command) => command.name() === first) ??
    program.command(first!).description(GROUPS[first!]!).helpOption('--help', 'print this help').exitOverride();
  return group.command(second);
}

interface CommonFlags {
  readonly config?: string;
  readonly contextName?: string;
  readonly json?: boolean;
  readonly schema?: string;
}

function helpAfter({ examples, exitCodes }: CliCommand): string {
  const lines = (title: string, texts: readonly string[]) =>
    `\n${title}:\n${texts.map((text) => `  ${text}`).join('\n')}\n`;
  return (
    lines('Examples', examples) +
    lines(
      'Exits with',
      Object.entries(exitCodes).map(([code, meaning]) => `${code}  ${meaning}`),
    )
  );
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version?: string;
  };
  return version ?? 'unknown';
}

async function execute(command: CliCommand, args: readonly unknown[], options: CommonFlags): Promise<ExitCode> {
  const { log, info, debug } = console;
  if (options.json) {
    // What the configuration prints, and the ORM's logger, is no answer to the command.
    Object.assign(console, { log: console.error, info: console.error, debug: console.error });
  }
  const controller = new AbortController();
  const ignore = () => process.off('SIGINT', stop).off('SIGTERM', stop);
  const stop = () => {
    // Without a listener, the next signal ends the process.
    ignore();
    process.stderr.write('Ending after the batch under way. Ctrl-C again ends at once.\n');
    controller.abort();
  };
  if (command.isInterruptible) {
    process.on('SIGINT', stop).on('SIGTERM', stop);
  }
  try {
    return await act(command, args, options, controller.signal);
  } finally {
    ignore();
    Object.assign(console, { log, info, debug });
  }
}

async function act(
  command: CliCommand,
  args: readonly unknown[],
  options: CommonFlags,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { orm, found } = await loadOrm(options, command.needsDatabase ?? true);
  try {
    if (!options.json) {
      process.stderr.write(`Configuration: ${found}\n`);
    }
    const context: CliContext = {
      orm,
      json: options.json ?? false,
      signal,
      print: (line) => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(plainValue(line))}\n`),
    };
    const carryOut = () => command.action(args as never, options as never, context);
    const code = await (options.schema === undefined ? carryOut() : inTenant(orm, options.schema, carryOut));
    await orm.close(true);
    return code;
  } catch (error) {
    // Nobody waits for that: the pool never gets back a connection that the database has ended.
    orm.close(true).catch(() => undefined);
    throw error;
  }
}
