import type { EntityManager } from '@mikro-orm/postgresql';
import { configuredRetention } from '../../installation/configured-retention.js';
import { type Duration, parseRetention } from '../../options/duration.js';
import { describeDeletionPolicy } from '../../policy/describe-deletion-policy.js';
import { readPolicy } from '../../policy/read-policy.js';
import type { CliCommand } from '../cli-command.js';
import { EXIT_CODE } from '../exit-code.js';

interface PolicyFlags {
  readonly retention?: Duration | 'forever';
}

/** `soft-delete policy` @internal */
export const policyCommand: CliCommand = {
  name: 'policy',
  description: 'print the deletion policy of the whole schema as Markdown, made to be committed',
  configure: (command) =>
    command.option(
      '--retention <duration>',
      'for entities that name none, such as 30d; by default what softDelete() in the configuration says',
    ),
  action: async (flags: PolicyFlags, { orm, json, print }) => {
    const retention = flags.retention ?? configuredRetention(orm.em);
    if (json) {
      const byDefault = retention === undefined ? undefined : parseRetention('--retention', retention);
      readPolicy(orm.em as EntityManager, byDefault).forEach((policy) => print({ type: 'policy', ...policy }));
    } else {
      print(describeDeletionPolicy(orm, { retention }).trimEnd());
    }
    return EXIT_CODE.done;
  },
};
