import ms from 'ms';
import { createPurge } from '../../purge/create-purge.js';
import type { PurgeEntityStatus } from '../../purge/run/purge-status.js';
import type { CliCommand } from '../cli-command.js';
import { EXIT_CODE } from '../exit-code.js';

/** `soft-delete status` @internal */
export const statusCommand: CliCommand = {
  name: 'status',
  description: 'show how much there is to purge, and how far behind the purge is',
  configure: (command) => command,
  action: async (_flags, { orm, json, print }) => {
    const { at, entities } = await createPurge(orm).status();
    for (const entity of entities) {
      print(json ? { type: 'status', at, ...entity } : describe(entity));
    }
    return entities.some(({ blocked }) => blocked > 0) ? EXIT_CODE.attention : EXIT_CODE.done;
  },
};

function describe({ entity, retention, deleted, due, blocked, overdueBy }: PurgeEntityStatus): string {
  const kept = retention === 'forever' ? 'kept forever' : `kept for ${ms(retention, { long: true })}`;
  const behind = overdueBy > 0 ? `, overdue by ${ms(overdueBy, { long: true })}` : '';
  return `${entity}: ${deleted} deleted (${kept}), ${due} due${blocked > 0 ? `, ${blocked} blocked` : ''}${behind}`;
}
