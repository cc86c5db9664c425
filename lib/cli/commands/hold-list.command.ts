import { showCount } from '../../errors/text/show-count.js';
import type { CliCommand } from '../cli-command.js';
import { complianceOf } from '../compliance-of.js';
import { EXIT_CODE } from '../exit-code.js';
import { parseKey } from '../parse-key.js';
import { printHolds } from '../print-holds.js';
import { requireEntity } from '../require-entity.js';

interface ListFlags {
  readonly released?: boolean;
}

/** `soft-delete hold list` @internal */
export const holdListCommand: CliCommand = {
  name: 'hold list',
  description: 'list the active holds, all or those that cover a row, newest first',
  examples: ['soft-delete hold list', 'soft-delete hold list Order 17', 'soft-delete hold list --released --json'],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'the holds are listed',
    [EXIT_CODE.error]: 'a wrong flag or key, or no database',
    [EXIT_CODE.attention]: 'one of them is due for review',
  },
  configure: (command) =>
    command
      .argument('[entity]', 'the class of a row')
      .argument('[key]', 'its primary key; a composite one as a JSON array')
      .option('--released', 'include released holds'),
  action: async ([name, key]: [string?, string?], { released }: ListFlags, context) => {
    const { holds } = complianceOf(context.orm);
    const meta = name === undefined ? undefined : requireEntity(context.orm.em, name).meta;
    const all = await holds.list();
    const covering = meta && key !== undefined ? await holds.of(meta.class as never, parseKey(meta, key)) : undefined;
    const shown = all.filter(
      ({ id, on, releasedAt }) =>
        (released || releasedAt === undefined) &&
        (covering
          ? covering.some((hold) => hold.id === id)
          : !meta || on.some(({ entity }) => entity === meta.className)),
    );
    printHolds(shown, context);
    if (!context.json) {
      context.print(`${showCount(shown.length, 'hold')}.`);
    }
    return shown.some(({ isToBeReviewed }) => isToBeReviewed) ? EXIT_CODE.attention : EXIT_CODE.done;
  },
};
