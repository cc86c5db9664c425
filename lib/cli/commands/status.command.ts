import ms from 'ms';
import { installSoftDelete } from '../../install-soft-delete.js';
import { hasComplianceTables } from '../../metadata/compliance-tables.js';
import { describeRetention } from '../../options/show-duration.js';
import { createPurge } from '../../purge/create-purge.js';
import type { PurgeEntityStatus } from '../../purge/status/purge-status.js';
import type { CliCommand } from '../cli-command.js';
import { retentionOption } from '../duration-option.js';
import { EXIT_CODE } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { startWaiting } from '../waiting.js';

interface StatusFlags {
  readonly retention?: number | 'forever';
}

/** `soft-delete status` @internal */
export const statusCommand: CliCommand = {
  name: 'status',
  description: 'show how many rows are due and blocked, and how late the purge is',
  examples: ['soft-delete status', 'soft-delete status --json'],
  exitCodes: {
    [EXIT_CODE.done]: 'nothing is blocked, or left alone by the purge',
    [EXIT_CODE.error]: 'nothing could be read',
    [EXIT_CODE.attention]: 'rows are blocked, or left alone by the purge',
  },
  configure: (command) => command.addOption(retentionOption()),
  action: async (_args: [], { retention }: StatusFlags, { orm, json, print }) => {
    if (hasComplianceTables(orm.em)) {
      installSoftDelete(orm);
    }
    const waiting = startWaiting('Counting', json);
    const { at, entities } = await createPurge(orm, { retention })
      .status()
      .finally(() => waiting.end());
    if (json) {
      entities.forEach((entity) => print({ type: 'status', at, ...entity }));
    } else {
      print(formatTable(['entity', 'kept', 'deleted', 'due', 'blocked', 'overdue by'], entities.map(describe)));
      entities.forEach(({ error }) => error !== undefined && print(error));
    }
    return entities.some(({ blocked, error }) => blocked > 0 || error !== undefined)
      ? EXIT_CODE.attention
      : EXIT_CODE.done;
  },
};

function describe({ entity, retention, deleted, due, blocked, overdueBy }: PurgeEntityStatus): (string | number)[] {
  return [
    entity,
    describeRetention(retention),
    deleted,
    due,
    blocked,
    overdueBy > 0 ? ms(overdueBy, { long: true }) : '–',
  ];
}
