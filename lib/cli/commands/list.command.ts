import { helper } from '@mikro-orm/core';
import { InvalidArgumentError } from 'commander';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { CliCommand } from '../cli-command.js';
import { count } from '../count.js';
import { EXIT_CODE } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { repositoryOf } from '../repository-of.js';
import { requireEntity } from '../require-entity.js';

interface ListFlags {
  readonly limit: number;
}

/** `soft-delete list` @internal */
export const listCommand: CliCommand = {
  name: 'list',
  description: 'list the deleted rows of an entity, the latest deletion first',
  examples: ['soft-delete list Customer', 'soft-delete list Customer --limit 500 --json'],
  exitCodes: { [EXIT_CODE.done]: 'the rows are listed', [EXIT_CODE.error]: 'nothing could be read' },
  configure: (command) =>
    command
      .argument('<entity>', 'the class of the rows')
      .option('--limit <number>', 'how many rows at most', positiveInteger, 50),
  action: async ([name]: [string], { limit }: ListFlags, { orm, json, print }) => {
    const entry = requireEntity(orm.em, name);
    const repository = repositoryOf(orm, entry.meta);
    const [rows, total] = await repository
      .onlyDeleted()
      .findAndCount({}, { limit, orderBy: { [entry.property]: 'desc' }, fields: shownProperties(entry) as never });
    const listed = rows.map((row) => ({ key: keyOf(row as object), ...valuesOf(entry, row as object) }));
    if (json) {
      listed.forEach((row) => print({ type: 'row', entity: entry.name, ...row }));
      return EXIT_CODE.done;
    }
    if (listed.length > 0) {
      const [first] = listed;
      print(
        formatTable(
          Object.keys(first!),
          listed.map((row) => Object.values(row).map(cell)),
        ),
      );
    }
    print(
      total > listed.length ? `${listed.length} of ${count(total, 'deleted row')}.` : `${count(total, 'deleted row')}.`,
    );
    return EXIT_CODE.done;
  },
};

function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return number;
}

/** How many columns besides the key and the time say which row it is. */
const SHOWN_TEXTS = 2;

/** The key, the time of the deletion, and the first texts that are not hidden: enough to recognize a row by. */
function shownProperties({ meta, property }: SoftDeletableEntityMetadata): string[] {
  const texts = meta.props.filter(
    ({ runtimeType, kind, hidden, lazy, primary, persist }) =>
      kind === 'scalar' && runtimeType === 'string' && !hidden && !lazy && !primary && persist !== false,
  );
  return [
    ...meta.root.getPrimaryProps().map(({ name }) => name),
    ...texts.slice(0, SHOWN_TEXTS).map(({ name }) => name),
    property,
  ];
}

function valuesOf(entry: SoftDeletableEntityMetadata, row: object): Record<string, unknown> {
  const primary = new Set(entry.meta.root.getPrimaryProps().map(({ name }) => name as string));
  return Object.fromEntries(
    shownProperties(entry)
      .filter((name) => !primary.has(name))
      .map((name) => [name, row[name as never]]),
  );
}

function keyOf(row: object): unknown {
  const keys = helper(row).getPrimaryKeys();
  return keys?.length === 1 ? keys[0] : keys;
}

function cell(value: unknown): string | number {
  if (value instanceof Date) {
    return value.toISOString();
  }
  return typeof value === 'number'
    ? value
    : typeof value === 'string'
      ? value
      : value == null
        ? ''
        : JSON.stringify(value);
}
