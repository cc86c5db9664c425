import type { CliCommand } from '../cli-command.js';
import { CliError } from '../cli.error.js';
import { complianceOf } from '../compliance-of.js';
import { EXIT_CODE } from '../exit-code.js';
import { printHolds } from '../print-holds.js';
import { textOption } from '../text-option.js';

interface ReleaseFlags {
  readonly reason: string;
  readonly actor?: string;
}

/** `soft-delete hold release` @internal */
export const holdReleaseCommand: CliCommand = {
  name: 'hold release',
  description: 'release a hold; rows that no other hold covers may be removed again',
  examples: ["soft-delete hold release 3 --reason 'Settled'"],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'the hold is released, and stays on record',
    [EXIT_CODE.error]: 'a wrong flag, no such hold, a hold that is already released, or no database',
  },
  configure: (command) =>
    command
      .argument('<id>', 'the number of the hold, as `soft-delete hold list` shows it')
      .addOption(textOption('--reason', 'why the rows need not be kept any longer').makeOptionMandatory())
      .addOption(textOption('--actor', 'who releases it, instead of the configured actor')),
  action: async ([text]: [string], flags: ReleaseFlags, context) => {
    if (!/^\d{1,15}$/.test(text)) {
      throw new CliError(`"${text}" is not the number of a hold. See \`soft-delete hold list\`.`);
    }
    const { reason, actor } = flags;
    const hold = await complianceOf(context.orm).holds.release(Number(text), {
      reason,
      ...(actor === undefined ? {} : { actor }),
    });
    printHolds([hold], context);
    if (!context.json) {
      context.print('The hold is released.');
    }
    return EXIT_CODE.done;
  },
};
