import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import { keyColumns, primaryColumns } from '../../../metadata/relations/relation-graph.js';
import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import {
  inChunks,
  keyConditionSql,
  primaryColumnTypes,
  type RowKey,
  type RowSet,
  textSql,
} from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { isColumn, isTextType } from '../declaration/text-columns.js';
import { matchesSql, NAMED_SIGNATURES_SQL } from './matches-sql.js';
import type { OldValues } from './old-values.js';
import type { ResidualCell } from './residual-cell.js';
import { hashSql, isPlain, jsonSql, plainSql, textsSql } from './text-sql.js';

/** Rows of one table that are searched. */
interface Search extends SqlFragment {
  readonly table: EntityMetadata;
}

/**
 * Looks for old values in every column of rows that can hold text, of tables with few rows in one statement.
 *
 * @param others - statements that look for the values as well, and are run with the search
 * @internal
 */
export async function searchTables(
  em: EntityManager,
  ctx: Transaction,
  searched: RowSet,
  values: OldValues,
  others: readonly SqlFragment[],
): Promise<ResidualCell[]> {
  const found: ResidualCell[] = [];
  let rows = 0;
  let searches: Search[] = [];
  const search = async () => {
    found.push(...(await runSearches(em, ctx, searches, [])));
    rows = 0;
    searches = [];
  };
  for (const root of searched.entities()) {
    for (const table of tablesOf(em.getMetadata(), root)) {
      await inChunks(searched.each(root), async (keys) => {
        if (rows > 0 && rows + keys.length > MOST_ROWS) {
          await search();
        }
        const fragment = searchSql(em, table, keys, values);
        if (fragment) {
          rows += keys.length;
          searches.push({ table, ...fragment });
        }
      });
    }
  }
  found.push(...(await runSearches(em, ctx, searches, others)));
  return found;
}

/** How many rows one statement searches, unless they are of one table. */
const MOST_ROWS = 50_000;

async function runSearches(
  em: EntityManager,
  ctx: Transaction,
  searches: readonly Search[],
  others: readonly SqlFragment[],
): Promise<ResidualCell[]> {
  if (searches.length + others.length === 0) {
    return [];
  }
  const cells = await execute<{ of: number; key: string[]; column: string; hash: string }>(
    em,
    ctx,
    `with ${[NAMED_SIGNATURES_SQL, ...others.map(({ sql }, i) => `"soft-delete:other${i}" as (${sql})`)].join(', ')} ` +
      (searches.map(({ sql }, i) => `select ${i} as of, s.* from (${sql}) as s`).join(' union all ') ||
        'select where false'),
    [...others, ...searches].flatMap(({ params }) => params),
  );
  return cells.map(({ of, ...cell }) => {
    const { table } = searches[of]!;
    return { ...cell, root: table.root.className, entity: table.className, unit: null };
  });
}

function searchSql(
  em: EntityManager,
  table: EntityMetadata,
  keys: readonly RowKey[],
  values: OldValues,
): SqlFragment | undefined {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const columns = textColumns(em, table);
  if (columns.length === 0) {
    return undefined;
  }
  // One condition for all columns, for which the signatures are put in order once: `offset 0` keeps it from being spread over them.
  const cells = (of: typeof columns, valueSql: (column: string, type: string) => string) =>
    `(${of
      .map(
        ([column, type]) =>
          `select ${em.getPlatform().quoteValue(column)} as name, ${valueSql(`c.${quote(column)}`, type)} as value`,
      )
      .join(' union all ')} offset 0) as t`;
  const shown: SqlFragment[] = [];
  // A text is looked at as it is, and only a document, or an array, is taken apart.
  const plain = columns.filter(([, type]) => isPlain(type));
  if (plain.length > 0) {
    const matches = matchesSql('t.value', values);
    shown.push({
      sql: `select t.name, to_jsonb(t.value) from ${cells(plain, plainSql)} where ${matches.sql}`,
      params: matches.params,
    });
  }
  const others = columns.filter(([, type]) => !isPlain(type));
  if (others.length > 0) {
    const matches = matchesSql('l.value', values);
    shown.push({
      sql:
        `select t.name, t.value from ${cells(others, jsonSql)} ` +
        `where exists (select from (${textsSql('t.value')}) as l (value) where ${matches.sql})`,
      params: matches.params,
    });
  }
  const name = tableName(em, table);
  const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
  const key = primaryColumnTypes(table).map(({ column, type }) => textSql(`c.${quote(column)}`, type));
  return {
    sql:
      `select array[${key.join(', ')}] as key, v.name as column, ${hashSql('v.value::text')} as hash from ${name} as c ` +
      `cross join lateral (${shown.map(({ sql }) => sql).join(' union all ')}) as v (name, value) where ${among.sql}`,
    params: [...shown.flatMap(({ params }) => params), ...among.params],
  };
}

function isOwner({ kind, owner, persist }: EntityProperty): boolean {
  return persist !== false && (kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner));
}

function textColumns(em: EntityManager, table: EntityMetadata): [column: string, type: string][] {
  const metas =
    table.root.inheritanceType === 'tpt' ? [table] : [...em.getMetadata()].filter(({ root }) => root === table);
  const columns = new Map<string, string>();
  for (const meta of metas) {
    for (const prop of meta.inheritanceType === 'tpt' && meta.ownProps ? meta.ownProps : meta.props) {
      const isText = isColumn(meta, prop) && !prop.enum && !prop.nativeEnumName && isTextType(prop.columnTypes?.[0]);
      if (isText) {
        columns.set(prop.fieldNames[0]!, prop.columnTypes[0]!);
      }
      // A key may be a copy of what the person is called by: of an address that relations refer to.
      for (const column of isOwner(prop) ? keyColumns(prop) : []) {
        const type = prop.columnTypes[prop.fieldNames.indexOf(column)];
        if (isTextType(type)) {
          columns.set(column, type!);
        }
      }
    }
  }
  return [...columns];
}
