import type { DeletionLogEntry } from '../../compliance/record/deletion-log.js';
import { showCount } from '../../errors/text/show-count.js';
import { plainValue } from '../../metadata/plain-value.js';
import type { CliCommand } from '../cli-command.js';
import { complianceOf } from '../compliance-of.js';
import { countOption } from '../count-option.js';
import { EXIT_CODE } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { parseKey } from '../parse-key.js';
import { requireEntity } from '../require-entity.js';

interface LogFlags {
  readonly limit: number;
}

/** `soft-delete log` @internal */
export const logCommand: CliCommand = {
  name: 'log',
  description: 'show who deleted, restored and removed rows of an entity and why, newest first',
  examples: [
    'soft-delete log Customer',
    'soft-delete log Customer 7',
    'soft-delete log Customer --limit 500 --json',
    'soft-delete log Customer 7 --schema tenant_1',
  ],
  isPerTenant: true,
  exitCodes: { [EXIT_CODE.done]: 'the records are listed', [EXIT_CODE.error]: 'nothing could be read' },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the rows')
      .argument('[key]', 'a primary key, for the history of one row: a value, or a JSON array')
      .addOption(
        countOption('--limit <number>', 'how many records at most', { what: 'records', most: 100_000, byDefault: 50 }),
      ),
  action: async ([name, key]: [string, string?], { limit }: LogFlags, { orm, json, print }) => {
    const { meta } = requireEntity(orm.em, name);
    const { log } = complianceOf(orm);
    const entries =
      key === undefined
        ? await log.find({ entity: meta.class as never, limit })
        : (await log.of(meta.class as never, parseKey(meta, key) as never)).slice(0, limit);
    if (json) {
      entries.forEach((entry) =>
        print({ type: 'record', ...entry, ...(entry.keys ? { keys: entry.keys.map(plainValue) } : {}) }),
      );
      return EXIT_CODE.done;
    }
    if (entries.length > 0) {
      print(formatTable(['at', 'action', 'rows', 'actor', 'reason'], entries.map(cells)));
    }
    print(`${showCount(entries.length, 'record')}.`);
    return EXIT_CODE.done;
  },
};

function cells({ at, action, count, actor = '', reason = '' }: DeletionLogEntry): (string | number)[] {
  return [at.toISOString(), action, count, actor, reason];
}
