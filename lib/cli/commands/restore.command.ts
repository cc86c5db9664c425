import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { RestoreConflictError } from '../../errors/restore-conflict.error.js';
import { plainValue } from '../../metadata/plain-value.js';
import type { CliCommand } from '../cli-command.js';
import type { CliContext } from '../cli-context.js';
import { showCount } from '../../errors/text/show-count.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { parseKey } from '../parse-key.js';
import { repositoryOf } from '../repository-of.js';
import { requireEntity } from '../require-entity.js';
import { requireTenant } from '../tenant/require-tenant.js';

interface RestoreFlags {
  readonly dryRun?: boolean;
  readonly withParents?: boolean;
  readonly reason?: string;
}

/** `soft-delete restore` @internal */
export const restoreCommand: CliCommand = {
  name: 'restore',
  description: 'restore deleted rows with everything that was deleted with them, all or nothing',
  examples: ['soft-delete restore Customer 1 2 --dry-run', "soft-delete restore OrderLine '[7,1]' --with-parents"],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'the rows are active again, or would be',
    [EXIT_CODE.error]: 'a wrong flag or key, or no database',
    [EXIT_CODE.attention]: 'there are conflicts; nothing was restored',
  },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the rows')
      .argument('<keys...>', 'their primary keys; a composite one as a JSON array')
      .option('--dry-run', 'show what would come back and what conflicts, and change nothing')
      .option('--with-parents', 'restore the deleted parents that own the rows as well')
      .option('--reason <text>', 'why, for the events and records'),
  action: async ([name, texts]: [string, string[]], { dryRun, withParents, reason }: RestoreFlags, context) => {
    const { meta } = requireEntity(context.orm.em, name);
    const keys = texts.map((text) => parseKey(meta, text));
    requireTenant(context.orm, meta);
    const repository = repositoryOf(context.orm, meta);
    if (dryRun) {
      const { affected, total, conflicts } = await repository.restore(keys as never, { withParents, dryRun: true });
      return report(context, { dryRun, affected, total, conflicts });
    }
    try {
      const { affected, total } = await repository.restore(keys as never, { withParents, reason });
      return report(context, { dryRun: false, affected, total, conflicts: [] });
    } catch (error) {
      if (error instanceof RestoreConflictError) {
        return report(context, { dryRun: false, affected: {}, total: 0, conflicts: error.conflicts });
      }
      throw error;
    }
  },
};

interface Restoration {
  readonly dryRun: boolean;
  readonly affected: Readonly<Record<string, number>>;
  readonly total: number;
  readonly conflicts: readonly RestoreConflict[];
}

function report({ json, print }: CliContext, restoration: Restoration): ExitCode {
  const { dryRun, affected, total, conflicts } = restoration;
  if (json) {
    print({ type: 'restoration', ...restoration });
  } else if (conflicts.length > 0) {
    print(formatTable(['in the way', 'entity', 'key', 'of'], conflicts.map(describe)));
    print('Nothing was restored.');
  } else {
    if (total > 0) {
      print(formatTable(['entity', 'rows'], Object.entries(affected)));
    }
    print(
      dryRun
        ? `${showCount(total, 'row')} would come back. Nothing was changed.`
        : total === 0
          ? 'No deleted row has such a key. Nothing was changed.'
          : `${showCount(total, 'row')} restored.`,
    );
  }
  return conflicts.length > 0 ? EXIT_CODE.attention : EXIT_CODE.done;
}

const IN_THE_WAY: Readonly<Record<RestoreConflict['reason'], (conflict: RestoreConflict) => string>> = {
  unique: ({ properties, constraint }) => `${(properties ?? [constraint]).join(', ')} is taken`,
  key: () => 'its key is taken',
  'parent-deleted': () => 'its parent is deleted',
  'parent-missing': () => 'its parent is gone for good',
  schema: ({ column }) => (column === '*' ? 'its table rejects it' : `the column ${column} is new, or changed`),
};

function describe(conflict: RestoreConflict): string[] {
  const { reason, entity, key, constraint, conflictingKey } = conflict;
  const row = conflictingKey === undefined ? '' : ` ${keyCell(conflictingKey)}`;
  return [IN_THE_WAY[reason](conflict), entity, keyCell(key), `${constraint ?? ''}${row}`];
}

function keyCell(key: unknown): string {
  return key === undefined ? '' : JSON.stringify(plainValue(key));
}
