import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { rowName } from '../../../archive/removal/collected-rows.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { partOf } from '../graph/archived-rows.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { tablesOf } from '../../../metadata/mapped-tables.js';
import { primaryColumns } from '../../../metadata/relation-graph.js';
import type { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import {
  arrayText,
  inChunks,
  keyConditionSql,
  lockBehind,
  primaryColumnTypes,
  RowSet,
  textSql,
} from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import type { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import { isColumn, isTextType } from '../declaration/text-columns.js';
import type { PersonalRows } from '../graph/personal-rows.js';
import { AMONG_SNAPSHOTS, amongSnapshots } from '../overwriting/erase-snapshots.js';
import type { OldValues } from './old-values.js';
import { hashSql, isPlain, jsonSql, leavesSql } from './text-sql.js';
import { matchesSql, NAMED_SIGNATURES_SQL, signaturesParam } from './matches-sql.js';

/** A column of a row that still shows a value of the person. @internal */
export interface ResidualCell {
  /** The root of its hierarchy. */
  readonly root: string;
  /** The entity of the table, or of the table that the archived row was in. */
  readonly entity: string;
  readonly column: string;
  readonly key: readonly string[];
  /** The unit of a row in the archive. */
  readonly unit: string | null;
  /** Tells whether it has changed since. */
  readonly hash: string;
}

interface SearchContext {
  readonly catalog: SoftDeleteCatalog;
  readonly personal: PersonalDataCatalog;
  /** Rows that are gone, of which nothing is left to search. */
  readonly going: RowSet;
}

/**
 * Looks for old values in every column that can hold text: of the rows that belong to the person, and of those behind them of which no
 * declaration speaks.
 *
 * @internal
 */
export async function findResidue(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  values: OldValues,
  { catalog, personal, going }: SearchContext,
): Promise<ResidualCell[]> {
  if (values.own.size === 0 && values.signatures === '') {
    return [];
  }
  const searched = await searchedRows(em, ctx, rows, { catalog, personal, going });
  const found: ResidualCell[] = [];
  for (const root of searched.entities()) {
    for (const table of tablesOf(em.getMetadata(), root)) {
      await inChunks(searched.each(root), async (keys) => {
        found.push(...(await searchTable(em, ctx, table, keys, values)));
      });
    }
  }
  return [...found, ...(await searchArchive(em, ctx, rows, values))];
}

/** The person's rows in tables, and plain rows behind them, which have no way to a person declared. */
async function searchedRows(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  { catalog: { graph }, personal, going }: SearchContext,
): Promise<RowSet> {
  const searched = new RowSet();
  const left = rows.all().filter(({ root, key, isLive }) => isLive && !going.has(root, key));
  let level = new Map<EntityMetadata, (readonly string[])[]>(
    [...Map.groupBy(left, ({ root }) => root)].map(([root, group]) => [root, group.map(({ key }) => key)]),
  );
  while (level.size > 0) {
    const next: typeof level = new Map();
    for (const [root, keys] of level) {
      const added = await searched.add(root, keys);
      for (const edge of added.length > 0 ? graph.from(root) : []) {
        if (edge.link.kind === 'child-key' && personal.of(edge.child).length === 0) {
          const behind = (await lockBehind(em, ctx, edge, added)).map(({ key }) => key);
          next.set(edge.child.root, [...(next.get(edge.child.root) ?? []), ...behind]);
        }
      }
    }
    level = new Map([...next].filter(([, keys]) => keys.length > 0));
  }
  return searched;
}

async function searchTable(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  keys: readonly (readonly string[])[],
  values: OldValues,
): Promise<ResidualCell[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const metas =
    table.root.inheritanceType === 'tpt' ? [table] : [...em.getMetadata()].filter(({ root }) => root === table);
  const columns = new Map<string, string>();
  for (const meta of metas) {
    for (const prop of meta.inheritanceType === 'tpt' && meta.ownProps ? meta.ownProps : meta.props) {
      const isText = isColumn(meta, prop) && !prop.enum && isTextType(prop.columnTypes?.[0]);
      if (isText) {
        columns.set(prop.fieldNames[0]!, prop.columnTypes[0]!);
      }
    }
  }
  if (columns.size === 0) {
    return [];
  }
  const name = tableName(em, table);
  const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
  const key = primaryColumnTypes(table).map(({ column, type }) => textSql(`c.${quote(column)}`, type));
  const cell = (column: string, value: string) => `(${em.getPlatform().quoteValue(column)}, ${value})`;
  const plain = [...columns].filter(([, type]) => isPlain(type));
  const others = [...columns].filter(([, type]) => !isPlain(type));
  const ofPlain = matchesSql('t.value', values);
  const ofOthers = matchesSql('l.value', values);
  const cells = [
    ...(plain.length > 0
      ? [
          `select t.name, to_jsonb(t.value) from (values ${plain.map(([column]) => cell(column, `c.${quote(column)}::text`)).join(', ')}) ` +
            `as t (name, value) where ${ofPlain.sql}`,
        ]
      : []),
    ...(others.length > 0
      ? [
          `select t.name, t.value from (values ${others.map(([column, type]) => cell(column, jsonSql(`c.${quote(column)}`, type))).join(', ')}) ` +
            `as t (name, value) where exists (select from (${leavesSql('t.value')}) as l (value) where ${ofOthers.sql})`,
        ]
      : []),
  ];
  return (
    await execute<Omit<ResidualCell, 'root' | 'entity' | 'unit'>>(
      em,
      ctx,
      `with ${NAMED_SIGNATURES_SQL} ` +
        `select array[${key.join(', ')}] as key, v.name as column, ${hashSql('v.value::text')} as hash from ${name} as c ` +
        `cross join lateral (${cells.join(' union all ')}) as v (name, value) where ${among.sql}`,
      [
        signaturesParam(values),
        ...(plain.length > 0 ? ofPlain.params : []),
        ...(others.length > 0 ? ofOthers.params : []),
        ...among.params,
      ],
    )
  ).map((cell) => ({ ...cell, root: table.root.className, entity: table.className, unit: null }));
}

/** What rows of the archive hold: the person's own, and those that went along with one of them. */
async function searchArchive(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  values: OldValues,
): Promise<ResidualCell[]> {
  const archived = rows.all().filter(({ isLive }) => !isLive);
  if (archived.length === 0) {
    return [];
  }
  const names = archived.map(({ root, key }) => rowName(root, key));
  const matches = matchesSql('v.value', values);
  const found = await execute<{ entity: string; key: string; unit: string; column: string; hash: string }>(
    em,
    ctx,
    `with ${NAMED_SIGNATURES_SQL} select a."part" as entity, a."key" as key, ${UNIT_TEXT} as unit, v.name as column, ${hashSql('v.value')} as hash ` +
      `from ${archiveTable(em)} as a cross join lateral jsonb_each_text(a."data") as v (name, value) ` +
      `where (${AMONG_SNAPSHOTS} or a."owners" && cast(? as text[])) and v.value is not null and ${matches.sql}`,
    [signaturesParam(values), ...amongSnapshots(archived), arrayText(names), ...matches.params],
  );
  return found.map((cell) => {
    const root = archived.find((row) =>
      tablesOf(em.getMetadata(), row.root).some((table) => partOf(table) === cell.entity),
    )?.root;
    return { ...cell, root: root?.className ?? cell.entity, key: root ? rowKeyOf(root, cell.key) : [cell.key] };
  });
}
