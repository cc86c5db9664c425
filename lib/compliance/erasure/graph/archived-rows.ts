import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { schemaOf } from '../../../archive/snapshot/write-snapshots.js';
import type { GraphRelation, RowCondition } from '../../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { arrayText, identify, inChunks, keyConditionSql, keySql, type RowKey, textSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import type { PersonalRow } from './personal-rows.js';

/** A row of the archive that was found, with what it was found by. */
interface ArchivedRow {
  readonly key: RowKey;
  readonly unit: string;
  readonly ref: string;
}

/** The archived rows with one of the given keys. @internal */
export function archivedWithKeys(
  em: EntityManager,
  ctx: Transaction,
  root: EntityMetadata,
  keys: readonly RowKey[],
): Promise<ArchivedRow[]> {
  const texts = keys.map(identify);
  return find(em, ctx, root, `a."key" = any(cast(? as text[]))`, [arrayText(texts)], primaryColumns(root));
}

/** The archived rows behind a relation of the given rows, each with the rows in front of it. @internal */
export async function archivedBehind(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  parents: readonly PersonalRow[],
): Promise<{ key: RowKey; unit: string; parents: PersonalRow[] }[]> {
  const { link } = edge;
  if (link.kind === 'pivot') {
    return [];
  }
  const [front, behind] = link.kind === 'child-key' ? [link.referenced, link.columns] : [link.columns, link.referenced];
  const byRef = new Map<string, PersonalRow[]>();
  const frontTable = link.kind === 'child-key' ? edge.parent.root : link.table;
  for (const [ref, row] of await readReferences(em, ctx, frontTable, front, parents)) {
    byRef.set(ref, [...(byRef.get(ref) ?? []), row]);
  }
  const table = link.kind === 'child-key' ? link.table : edge.child.root;
  const found: ArchivedRow[] = [];
  await inChunks(byRef.keys(), async (refs) => {
    const firsts = refs.map((ref) => (front.length === 1 ? ref : (JSON.parse(ref) as string[])[0]!));
    const rows = await find(
      em,
      ctx,
      table,
      `${archivedTextSql(em, table, behind[0]!)} = any(cast(? as text[]))`,
      [arrayText([...new Set(firsts)])],
      behind,
      [...edge.linkConditions, ...edge.members.child],
    );
    found.push(...rows);
  });
  return found.flatMap(({ key, unit, ref }) => {
    const inFront = byRef.get(ref);
    return inFront ? [{ key, unit, parents: inFront }] : [];
  });
}

async function find(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  condition: string,
  params: readonly unknown[],
  columns: readonly string[],
  conditions: readonly RowCondition[] = [],
): Promise<ArchivedRow[]> {
  const ref = columns.map((column) => archivedTextSql(em, table, column));
  const more = conditions.map((each) => conditionSql(em, table, each));
  const rows = await execute<{ key: string; unit: string; ref: string[] }>(
    em,
    ctx,
    `select a."key" as key, ${UNIT_TEXT} as unit, array[${ref.join(', ')}] as ref from ${archiveTable(em)} as a ` +
      `where a."part" = ? and a."schema" = ? and ${condition}${more.map(({ sql }) => ` and ${sql}`).join('')}`,
    [partOf(table), schemaOf(em, table), ...params, ...more.flatMap((each) => each.params)],
  );
  return rows.map((row) => ({ key: rowKeyOf(table.root, row.key), unit: row.unit, ref: identify(row.ref) }));
}

/** Of a row in the archive: the class it had in a hierarchy, the entity that a polymorphic key of it points at. */
function conditionSql(
  em: EntityManager,
  table: EntityMetadata,
  condition: RowCondition,
): { sql: string; params: unknown[] } {
  if ('column' in condition) {
    return {
      sql: `${FormerColumns.mapped(em, table).textSql(em, condition.column)} = any(cast(? as text[]))`,
      params: [arrayText(condition.values.map(String))],
    };
  }
  if ('subtable' in condition) {
    return {
      sql: `exists (select from ${archiveTable(em)} as s where s."part" = ? and s."key" = a."key" and s."unit" = a."unit")`,
      params: [partOf(condition.subtable)],
    };
  }
  return { sql: 'true', params: [] };
}

/** What the rows behind hold: the key of the rows in front, or another column that the relation refers to. */
async function readReferences(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  columns: readonly string[],
  rows: readonly PersonalRow[],
): Promise<[ref: string, row: PersonalRow][]> {
  const primary = primaryColumns(table.root);
  if (columns.length === primary.length && columns.every((column) => primary.includes(column))) {
    return rows.map((row) => [identify(columns.map((column) => row.key[primary.indexOf(column)]!)), row]);
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const texts = columns.map((column) => textSql(`c.${quote(column)}`, typeOf(em, table, column)));
  const found: [string, PersonalRow][] = [];
  const byKey = Map.groupBy(rows, (row) => identify(row.key));
  await inChunks(byKey.values(), async (chunk) => {
    const keys = chunk.map(([row]) => row!.key);
    const asked = keyConditionSql(em, table, 'c', keys, primaryColumns(table), tableName(em, table));
    const live = await execute<{ key: string[]; ref: (string | null)[] }>(
      em,
      ctx,
      `select ${keySql(em, table, 'c')}, array[${texts.join(', ')}] as ref ` +
        `from ${tableName(em, table)} as c where ${asked.sql}`,
      asked.params,
    );
    const archived = await archivedColumns(em, ctx, table, columns, keys);
    for (const { key, ref } of [...live, ...archived]) {
      if (ref.every((text) => text !== null)) {
        byKey.get(identify(key))?.forEach((row) => found.push([identify(ref as string[]), row]));
      }
    }
  });
  return found;
}

/** The types whose values have another text in the archive than keys of theirs. */
const SPELLED_OTHERWISE = /^(bpchar|char(acter)?( ?\(|$)|timestamp(tz| *(\(\d\))? with time zone))/i;

/** The type of a column, in a hierarchy that of any class. */
function typeOf(em: EntityManager, { root }: EntityMetadata, column: string): string {
  const metas = [...em.getMetadata()].filter((meta) => meta.root === root);
  const prop = metas.flatMap(({ props }) => props).find(({ fieldNames }) => fieldNames?.includes(column));
  return prop?.columnTypes?.[prop.fieldNames.indexOf(column)] ?? '';
}

/** What a row `a` of the archive has in a column, as a key has it (`textSql()`). */
function archivedTextSql(em: EntityManager, table: EntityMetadata, column: string): string {
  const value = FormerColumns.mapped(em, table).textSql(em, column);
  const type = typeOf(em, table, column);
  return SPELLED_OTHERWISE.test(type) ? `(${textSql(`cast(${value} as ${type})`, type)})` : value;
}

async function archivedColumns(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  columns: readonly string[],
  keys: readonly RowKey[],
): Promise<{ key: RowKey; ref: (string | null)[] }[]> {
  const ref = columns.map((column) => archivedTextSql(em, table, column));
  const rows = await execute<{ key: string; ref: (string | null)[] }>(
    em,
    ctx,
    `select a."key" as key, array[${ref.join(', ')}] as ref from ${archiveTable(em)} as a ` +
      `where a."part" = ? and a."schema" = ? and a."key" = any(cast(? as text[]))`,
    [partOf(table), schemaOf(em, table), arrayText(keys.map(identify))],
  );
  return rows.map((row) => ({ key: rowKeyOf(table.root, row.key), ref: row.ref }));
}
