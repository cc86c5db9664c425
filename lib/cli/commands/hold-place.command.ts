import { showCount } from '../../errors/text/show-count.js';
import type { CliCommand } from '../cli-command.js';
import { complianceOf } from '../compliance-of.js';
import { EXIT_CODE } from '../exit-code.js';
import { parseKey } from '../parse-key.js';
import { printHolds } from '../print-holds.js';
import { requireEntity } from '../require-entity.js';
import { textOption } from '../text-option.js';
import { timeOption } from '../time-option.js';

interface PlaceFlags {
  readonly name: string;
  readonly reason: string;
  readonly reviewAt?: Date;
  readonly actor?: string;
}

/** `soft-delete hold place` @internal */
export const holdPlaceCommand: CliCommand = {
  name: 'hold place',
  description: 'keep rows, and everything below them, from being removed for good until the hold is released',
  examples: [
    "soft-delete hold place Customer 7 --name 'Dispute 7' --reason 'Letter of 3 May'",
    "soft-delete hold place OrderLine '[7,1]' '[7,2]' --name Audit --reason 'Tax audit 2026' --review-at 2027-01-31",
  ],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'the hold is placed',
    [EXIT_CODE.error]: 'a wrong flag, a row that does not exist, or no database; nothing is placed',
  },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the rows')
      .argument('<keys...>', 'their primary keys; a composite one as a JSON array')
      .addOption(textOption('--name', 'the name of the hold, for refusals and lists').makeOptionMandatory())
      .addOption(textOption('--reason', 'why the rows have to stay').makeOptionMandatory())
      .addOption(timeOption('--review-at', 'when somebody should look at whether it is still needed'))
      .addOption(textOption('--actor', 'who places it, instead of the configured actor')),
  action: async ([name, texts]: [string, string[]], flags: PlaceFlags, context) => {
    const { meta } = requireEntity(context.orm.em, name);
    const on = texts.map((text) => [meta.class as never, parseKey(meta, text)] as const);
    const { reason, reviewAt, actor } = flags;
    const hold = await complianceOf(context.orm).holds.place({ name: flags.name, reason, reviewAt, actor, on });
    printHolds([hold], context);
    if (!context.json) {
      context.print(`${showCount(hold.on.length, 'row')} and everything below: held.`);
    }
    return EXIT_CODE.done;
  },
};
