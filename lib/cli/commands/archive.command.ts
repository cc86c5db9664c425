import { Argument } from 'commander';
import { addMonths } from '../../compliance/add-months.js';
import { MONTHS_AHEAD } from '../../compliance/month-partitions.js';
import { showCount } from '../../errors/text/show-count.js';
import type { CliCommand } from '../cli-command.js';
import { complianceOf } from '../compliance-of.js';
import { countOption } from '../count-option.js';
import { EXIT_CODE } from '../exit-code.js';

interface ArchiveFlags {
  readonly ahead: number;
}

/** `soft-delete archive` @internal */
export const archiveCommand: CliCommand = {
  name: 'archive',
  description:
    'create the coming partitions of the tables of archived rows and records; run it every month, as the owner of the tables',
  examples: ['soft-delete archive partitions', 'soft-delete archive partitions --ahead 12'],
  isPerTenant: true,
  exitCodes: { [EXIT_CODE.done]: 'the partitions are there', [EXIT_CODE.error]: 'nothing was created' },
  configure: (command) =>
    command.addArgument(new Argument('<what>', 'what to create').choices(['partitions'])).addOption(
      countOption('--ahead <months>', 'for how many coming months', {
        what: 'months',
        most: 1_200,
        byDefault: MONTHS_AHEAD,
      }),
    ),
  action: async (_what: [string], { ahead }: ArchiveFlags, { orm, json, print }) => {
    complianceOf(orm, true);
    for (const { schema, table, added } of await addMonths(orm, ahead)) {
      if (json) {
        print({ type: 'partitions', ...(schema === undefined ? {} : { schema }), table, added });
      } else {
        const names = added.length > 0 ? `: ${added.join(', ')}` : '';
        print(
          `${schema === undefined ? '' : `${schema}.`}${table}: ${showCount(added.length, 'partition')} added${names}.`,
        );
      }
    }
    return EXIT_CODE.done;
  },
};
