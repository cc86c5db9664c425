import { type EntityMetadata, type FilterOptions, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { getInstallation } from '../../installation/installation.js';
import { sentKeyOf } from '../../sql/entity-key.js';
import { arrayText, primaryColumnTypes, type RowKey, textSql } from '../../sql/row-set.js';
import { looksElsewhere, selectRows } from '../../sql/select-rows.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { AMONG_SNAPSHOTS, amongSnapshots } from '../snapshot/among-snapshots.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { keyOfTextsSql } from '../snapshot/key-text-sql.js';
import { schemaOf } from '../snapshot/write-snapshots.js';
import { readShapes, type TableColumn } from '../../postgres/table-shape.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';

/** Archived rows as a part of a query. @internal */
export interface SnapshotsSql {
  /** How the `from` of a query goes on after the archive, as `a`: with the rows as their table would have them, as `c`. */
  readonly from: string;
  readonly where: string;
  readonly params: readonly unknown[];
}

/** Archived rows that an operation is asked for. @internal */
export interface AskedSnapshots {
  /** Whether it names keys and nothing else, which mean the same in every session. */
  readonly isByKey: boolean;
  /** Writes them with the columns that the table has in this transaction. */
  resolve(em: EntityManager, ctx: Transaction): Promise<SnapshotsSql>;
}

/**
 * Says which archived rows an operation is asked for: those that a read would find if they were in their table, within the
 * application's filters. A key leads to them by an index.
 *
 * @throws SoftDeleteConfigError if the condition looks at other tables
 * @internal
 */
export async function askSnapshots(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  options: { filters?: FilterOptions | undefined; isPreview?: boolean } = {},
): Promise<AskedSnapshots> {
  // In a table-per-type hierarchy the condition is one on the root's table: a class has rows of its own in others.
  const isJoined = meta.root.inheritanceType === 'tpt';
  const asked = await selectRows(em, isJoined ? meta.root : meta, where, { scope: 'active', ...options });
  const condition = asked.condition ?? ownCondition(meta, asked.keys);
  const keys = keysOf(em, meta, where);
  const { root } = meta;
  return {
    isByKey: keys !== undefined,
    async resolve(manager, ctx) {
      const columns = (await readShapes(manager, ctx, [root])).get(root)!;
      // Elsewhere the condition finds them: the archive may have written a key in another way.
      const byKey = keys && haveOneText(root, columns) ? keysSql(root, columns, keys) : undefined;
      const { catalog } = getInstallation(em);
      return {
        from: ` cross join lateral (select ${typedColumnsSql(manager, catalog, root, columns)}) as c`,
        where:
          `a."part" = ? and a."schema" = ? and ${byKey ? `a."key" in (${byKey.sql}) and ` : ''}(${condition.sql})` +
          (isJoined && meta !== root ? ` and ${ofClassSql(em)}` : ''),
        params: [
          root.className,
          schemaOf(em, meta),
          ...(byKey?.params ?? []),
          ...condition.params,
          ...(isJoined && meta !== root ? [meta.className] : []),
        ],
      };
    },
  };
}

/** Says the same of rows that are known, by their keys and units. @internal */
export function listSnapshots(
  em: EntityManager,
  { root }: EntityMetadata,
  rows: readonly (readonly [key: string, unit: string])[],
): AskedSnapshots {
  return {
    isByKey: true,
    async resolve(manager, ctx) {
      const columns = (await readShapes(manager, ctx, [root])).get(root)!;
      return {
        from: ` cross join lateral (select ${typedColumnsSql(manager, getInstallation(em).catalog, root, columns)}) as c`,
        where: `a."part" = ? and ${AMONG_SNAPSHOTS}`,
        params: [root.className, ...amongSnapshots(rows.map(([key, unit]) => ({ key, unit })))],
      };
    },
  };
}

/** The row has one in the table of a class as well. */
function ofClassSql(em: EntityManager): string {
  return `exists (select from ${archiveTable(em)} as s where s."part" = ? and s."key" = a."key" and s."unit" = a."unit")`;
}

/** What follows the joins of a query, where it asks for nothing but the first table: a class of a hierarchy has several. */
function ownCondition(
  meta: EntityMetadata,
  { sql, params }: { sql: string; params: readonly unknown[] },
): { sql: string; params: readonly unknown[] } {
  const at = sql.indexOf(' where ');
  const condition = at < 0 ? 'true' : sql.slice(at + ' where '.length, sql.lastIndexOf(') as asked'));
  const aliases = [...condition.matchAll(/"((?:[^"]|"")*)"\./g)].map(([, alias]) => alias);
  if (aliases.some((alias) => alias !== 'c' && !alias!.startsWith('__je')) || looksElsewhere(condition)) {
    throw new SoftDeleteConfigError(
      `The condition on archived rows of ${meta.className}`,
      'it uses other tables, but archived rows are only in the archive.',
      `Use columns of ${meta.root.className} itself.`,
    );
  }
  return { sql: condition, params };
}

/** The keys that a condition names, if it does nothing else. */
function keysOf(em: EntityManager, meta: EntityMetadata, where: unknown): RowKey[] | undefined {
  if (!Utils.isPlainObject(where)) {
    return undefined;
  }
  const condition = where as Record<string, unknown>;
  const names = Object.keys(condition);
  if (names.join() === '$or' && Array.isArray(condition['$or'])) {
    const parts = condition['$or'].map((part) => keysOf(em, meta, part));
    return parts.includes(undefined) ? undefined : parts.flatMap((part) => part!);
  }
  const isKey = names.length === meta.primaryKeys.length && meta.primaryKeys.every((name) => names.includes(name));
  if (!isKey || Object.getOwnPropertySymbols(condition).length > 0) {
    return undefined;
  }
  const [only] = Object.values(condition);
  if (names.length === 1 && Utils.isPlainObject(only) && Object.keys(only).join() === '$in') {
    return (only as { $in: unknown[] }).$in.map((key) => sentKeyOf(em, meta, key));
  }
  const isPlain = Object.values(condition).every((part) => part != null && !Array.isArray(part) && !isOperator(part));
  return isPlain ? [sentKeyOf(em, meta, names.length === 1 ? only : condition)] : undefined;
}

function isOperator(part: unknown): boolean {
  return Utils.isPlainObject(part) && Object.keys(part as object).some((name) => name.startsWith('$'));
}

function haveOneText(root: EntityMetadata, columns: readonly TableColumn[]): boolean {
  const primary = primaryColumns(root);
  return columns.every(({ name, hasOneText }) => hasOneText || !primary.includes(name));
}

/** Keys as the archive writes them, whatever text they were sent as. */
function keysSql(
  root: EntityMetadata,
  columns: readonly TableColumn[],
  keys: readonly RowKey[],
): { sql: string; params: unknown[] } {
  const primary = primaryColumnTypes(root);
  const names = primary.map((_column, i) => `"k${i}"`);
  const texts = primary.map(({ column, type }, i) => {
    const actual = columns.find(({ name }) => name === column)?.type ?? 'text';
    return textSql(`cast(k.${names[i]!} as ${actual})`, type);
  });
  return {
    sql:
      `select ${keyOfTextsSql(texts)} ` +
      `from unnest(${primary.map(() => 'cast(? as text[])').join(', ')}) as k(${names.join(', ')})`,
    params: primary.map((_column, i) => arrayText(keys.map((key) => key[i]!))),
  };
}
