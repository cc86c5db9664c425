import { Command, CommanderError } from 'commander';
import type { CliCommand } from './cli-command.js';
import { doctorCommand } from './commands/doctor.command.js';
import { policyCommand } from './commands/policy.command.js';
import { purgeCommand } from './commands/purge.command.js';
import { statusCommand } from './commands/status.command.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import { firstLine, loadOrm } from './load-orm.js';

const COMMANDS: readonly CliCommand[] = [purgeCommand, statusCommand, doctorCommand, policyCommand];

/**
 * Runs the command that the arguments name. Whatever goes wrong is one line on the standard error output.
 *
 * @internal
 */
export async function runCli(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT_CODE.done;
  const program = new Command('soft-delete')
    .description('Purges what was soft-deleted long enough ago, and looks after the schema of soft deletion.')
    .showSuggestionAfterError()
    .exitOverride();
  for (const command of COMMANDS) {
    command
      .configure(program.command(command.name).description(command.description))
      .option('--config <path>', 'the MikroORM configuration, instead of where the mikro-orm command looks')
      .option('--context-name <name>', 'which of several MikroORM configurations')
      .option('--json', 'print JSON, one object a line')
      .allowExcessArguments(false)
      .exitOverride()
      .action(async (options) => {
        code = await execute(command, options);
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

async function execute(
  command: CliCommand,
  options: { config?: string; contextName?: string; json?: boolean },
): Promise<ExitCode> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const orm = await loadOrm(options);
  try {
    return await command.action(options, {
      orm,
      json: options.json ?? false,
      signal: controller.signal,
      print: (line) => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`),
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await orm.close(true);
  }
}
