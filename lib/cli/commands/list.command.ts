import { helper } from '@mikro-orm/core';
import { plainValue } from '../../metadata/plain-value.js';
import { isShown, isText } from '../../metadata/shown-properties.js';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { SoftDeleteRepository } from '../../repository/soft-delete.repository.js';
import type { CliCommand } from '../cli-command.js';
import { showCount } from '../../errors/text/show-count.js';
import { countOption } from '../count-option.js';
import { EXIT_CODE } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { repositoryOf } from '../repository-of.js';
import { requireEntity } from '../require-entity.js';
import { requireTenant } from '../tenant/require-tenant.js';

interface ListFlags {
  readonly limit: number;
}

/** `soft-delete list` @internal */
export const listCommand: CliCommand = {
  name: 'list',
  description: 'list the deleted rows of an entity, the latest deletion first',
  examples: ['soft-delete list Customer', 'soft-delete list Customer --limit 500 --json'],
  isPerTenant: true,
  exitCodes: { [EXIT_CODE.done]: 'the rows are listed', [EXIT_CODE.error]: 'nothing could be read' },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the rows')
      .addOption(
        countOption('--limit <number>', 'how many rows at most', { what: 'rows', most: 100_000, byDefault: 50 }),
      ),
  action: async ([name]: [string], { limit }: ListFlags, { orm, json, print }) => {
    const entry = requireEntity(orm.em, name);
    requireTenant(orm, entry.meta);
    const repository = repositoryOf(orm, entry.meta);
    const shown = shownProperties(entry);
    const [rows, total] = await readRows(repository, entry, shown, limit);
    const listed = rows.map((row) => {
      const parts = helper(row).getPrimaryKeys()!;
      const key = plainValue(parts.length === 1 ? parts[0] : parts);
      return {
        key,
        ...Object.fromEntries(shown.map((name) => [name, plainValue((row as Record<string, unknown>)[name])])),
      };
    });
    if (json) {
      listed.forEach((row) => print({ type: 'row', entity: entry.name, ...row }));
      return EXIT_CODE.done;
    }
    if (listed.length > 0) {
      print(
        formatTable(
          ['key', ...shown],
          listed.map((row) => Object.values(row).map(cell)),
        ),
      );
    }
    print(
      total > listed.length
        ? `${listed.length} of ${showCount(total, 'deleted row')}.`
        : `${showCount(total, 'deleted row')}.`,
    );
    return EXIT_CODE.done;
  },
};

/** How many columns besides the key and the time say which row it is. */
const SHOWN_TEXTS = 2;

/** The first texts that may be shown, and the time of the deletion: with the key enough to recognize a row by. */
function shownProperties(entry: SoftDeletableEntityMetadata | ArchivedEntityMetadata): string[] {
  const { property } = 'property' in entry ? entry : {};
  const texts = entry.meta.props.filter((prop) => isShown(prop, { property }) && isText(prop) && !prop.primary);
  return [...texts.slice(0, SHOWN_TEXTS).map(({ name }) => name), ...(property === undefined ? [] : [property])];
}

/** The latest deletions, and how many there are. What is archived is read as a whole, and the latest first anyway. */
async function readRows(
  repository: SoftDeleteRepository<object>,
  entry: SoftDeletableEntityMetadata | ArchivedEntityMetadata,
  shown: readonly string[],
  limit: number,
): Promise<[rows: object[], total: number]> {
  const deleted = repository.onlyDeleted();
  if (!('property' in entry)) {
    return [await deleted.find({}, { limit }), await deleted.count()];
  }
  const keys = entry.meta.root.getPrimaryProps().map(({ name }) => name);
  const fields = [...keys, ...shown] as never;
  return deleted.findAndCount({}, { limit, orderBy: { [entry.property]: 'desc' }, fields, cache: false });
}

function cell(plain: unknown): string | number {
  return typeof plain === 'string' || typeof plain === 'number' ? plain : plain == null ? '' : JSON.stringify(plain);
}
