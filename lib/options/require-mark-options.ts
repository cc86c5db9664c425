import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { parseRetention } from './duration.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';
import { requireType } from './require-type.js';
import type { SoftDeletableOptions } from './soft-deletable-options.js';

const KEYS = [
  'property',
  'deletedBy',
  'retention',
  'relations',
  'purgeIndex',
  'guard',
  'strategy',
  'archive',
] satisfies (keyof SoftDeletableOptions)[];

/** Why an option of soft deletion has no place on an archived entity. */
const NOT_ARCHIVED: Partial<Record<keyof SoftDeletableOptions, string>> = {
  deletedBy: 'deleted rows leave the table: who deleted them is written beside them in deletion_archive.',
  property: 'deleted rows leave the table, so that no property says when they were deleted.',
  purgeIndex: 'the table has no deleted rows that a purge would have to find.',
  guard: 'every deletion removes the row from its table, so that there is nothing to guard.',
};

/**
 * What can be said of a mark before the ORM knows the entity. It is said where the mark is made: the ORM's own commands write the
 * schema without ever installing soft deletion.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type
 * @internal
 */
export function requireMarkOptions(where: string, options: SoftDeletableOptions): void {
  refuseUnknownOptions(where, options, KEYS);
  requireType(`${where}, property`, options.property, 'string');
  requireType(`${where}, deletedBy`, options.deletedBy, 'string');
  requireType(`${where}, relations`, options.relations, 'object');
  requireType(`${where}, purgeIndex`, options.purgeIndex, 'boolean');
  requireType(`${where}, guard`, options.guard, 'boolean');
  if (options.retention !== undefined) {
    parseRetention(`${where}, retention`, options.retention);
  }
  if (options.strategy !== undefined && options.strategy !== 'soft' && options.strategy !== 'archive') {
    throw new SoftDeleteConfigError(
      `${where}, strategy`,
      `${showValue(options.strategy)} is not a strategy.`,
      "Write 'soft' or 'archive'.",
    );
  }
  requireArchiveOptions(where, options);
}

function requireArchiveOptions(where: string, options: SoftDeletableOptions): void {
  const { strategy, archive } = options;
  requireType(`${where}, archive`, archive, 'object');
  if (archive !== undefined) {
    refuseUnknownOptions(`${where}, archive`, archive, ['renamed', 'dropped']);
    requireType(`${where}, archive.renamed`, archive.renamed, 'object');
    requireType(`${where}, archive.dropped`, archive.dropped, 'list');
    const names = [...Object.values(archive.renamed ?? {}), ...(archive.dropped ?? [])];
    names.forEach((name) => requireType(`${where}, archive`, name, 'string'));
    refuseCircles(`${where}, archive.renamed`, new Map(Object.entries(archive.renamed ?? {})));
  }
  if (strategy !== 'archive') {
    if (archive !== undefined) {
      throw new SoftDeleteConfigError(
        `${where}, archive`,
        'the entity is not archived.',
        "Add `strategy: 'archive'`, or leave it out.",
      );
    }
    return;
  }
  for (const [name, problem] of Object.entries(NOT_ARCHIVED)) {
    if (options[name as keyof SoftDeletableOptions]) {
      throw new SoftDeleteConfigError(
        `${where}, ${name}`,
        `with \`strategy: 'archive'\` ${problem}`,
        'Leave it out, or use the soft strategy.',
      );
    }
  }
}

/** Rows from before and after two columns have exchanged their names look the same. */
function refuseCircles(where: string, renamed: ReadonlyMap<string, string>): void {
  for (const start of renamed.keys()) {
    const names = new Set<string>();
    for (let name: string | undefined = start; name !== undefined; name = renamed.get(name)) {
      if (names.has(name)) {
        throw new SoftDeleteConfigError(
          where,
          `${[...names, name].join(' → ')} leads back to where it began: nobody could tell rows from before and after.`,
          'Leave out a name that the column has again today. Restore or remove the archived rows before columns exchange their names.',
        );
      }
      names.add(name);
    }
  }
}
