import type { ErasurePlan } from '../../compliance/erasure/erasure-certificate.js';
import { showCount } from '../../errors/text/show-count.js';
import { plainValue } from '../../metadata/plain-value.js';
import type { CliCommand } from '../cli-command.js';
import type { CliContext } from '../cli-context.js';
import { complianceOf } from '../compliance-of.js';
import { EXIT_CODE } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { parseKey } from '../parse-key.js';
import { requireMapped } from '../require-entity.js';
import { showDay, showKey } from '../show-cell.js';
import { textOption } from '../text-option.js';
import { timeOption } from '../time-option.js';

interface EraseFlags {
  readonly plan?: boolean;
  readonly requestedAt?: Date;
  readonly reason?: string;
}

/** `soft-delete erase` @internal */
export const eraseCommand: CliCommand = {
  name: 'erase',
  description: "erase a person's data as @PersonalData() declares, or show what would be erased and what would be left",
  examples: [
    'soft-delete erase Customer 7 --plan',
    "soft-delete erase Customer 7 --requested-at 2026-05-03 --reason 'Request by letter'",
  ],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'nothing of the person is left, or would be',
    [EXIT_CODE.error]: 'a wrong flag or key, undeclared data, or no database; nothing is erased',
    [EXIT_CODE.attention]: 'rows are left, or would be, on the grounds that are named',
  },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the person')
      .argument('<key>', 'its primary key; a composite one as a JSON array')
      .option('--plan', 'show what would be erased and what would be left, and change nothing')
      .addOption(timeOption('--requested-at', 'when the person asked for it'))
      .addOption(textOption('--reason', 'why, for the record; it should not name the person')),
  action: async ([name, text]: [string, string], { plan, requestedAt, reason }: EraseFlags, context) => {
    const meta = requireMapped(context.orm.em, name);
    const key = parseKey(meta, text) as never;
    const { erasures } = complianceOf(context.orm);
    const entity = meta.class as never;
    const outcome = plan
      ? await erasures.plan(entity, key)
      : await erasures.erase(entity, key, {
          ...(requestedAt ? { requestedAt } : {}),
          ...(reason === undefined ? {} : { reason }),
        });
    printOutcome(outcome, plan ?? false, context);
    return outcome.outcome === 'completed' ? EXIT_CODE.done : EXIT_CODE.attention;
  },
};

function printOutcome(outcome: ErasurePlan, isPlan: boolean, { json, print }: CliContext): void {
  if (json) {
    print(plainValue({ type: isPlan ? 'plan' : 'certificate', ...outcome }) as object);
    return;
  }
  if (outcome.entities.length > 0) {
    print(
      formatTable(
        ['entity', 'deleted', 'overwritten', 'fields', 'kept', 'held'],
        outcome.entities.map(({ entity, deleted, overwritten, fields, kept, held }) => [
          entity,
          deleted,
          overwritten,
          fields.join(', '),
          kept.length,
          held.length,
        ]),
      ),
    );
  }
  const left = outcome.entities.flatMap(({ entity, kept, held }) => [
    ...kept.map(({ key, ground, until }) => [entity, showKey(key), ground, showDay(until)]),
    ...held.map(({ key, hold }) => [entity, showKey(key), `legal hold "${hold}"`, '']),
  ]);
  if (left.length > 0) {
    print(formatTable(['left', 'key', 'ground', 'until'], left));
  }
  const residue = showCount(outcome.residue, 'column');
  print(
    isPlan
      ? `${residue} would still show values of the person. Nothing was changed.`
      : `The erasure is ${outcome.outcome}: ${residue} still ${outcome.residue === 1 ? 'shows' : 'show'} values of the person.`,
  );
}
