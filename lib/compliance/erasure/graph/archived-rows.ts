import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { schemaOf } from '../../../archive/snapshot/write-snapshots.js';
import type { GraphRelation, RowCondition } from '../../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { arrayText, identify, inChunks, keyConditionSql, keySql, type RowKey, textSql } from '../../../sql/row-set.js';
import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import { tableName } from '../../../sql/table-name.js';
import { hasOneText } from '../../record/same-key-sql.js';
import { execute } from '../../../sql/transaction.js';
import { amongArchived } from '../overwriting/erase-snapshots.js';
import type { PersonalRow } from './personal-rows.js';

/** A row of the archive that was found, with what it was found by. */
interface ArchivedRow {
  readonly key: RowKey;
  readonly unit: string;
  readonly refs: readonly string[];
}

/** A row in front of others, in its table or in the archive. */
interface InFront {
  readonly key: RowKey;
}

/** The archived rows behind a relation of the given rows, each with the rows in front of it. @internal */
export async function archivedBehind<Row extends InFront>(
  em: EntityManager,
  ctx: Transaction,
  edge: GraphRelation,
  parents: readonly Row[],
): Promise<{ key: RowKey; unit: string; parents: Row[] }[]> {
  const { link } = edge;
  if (link.kind === 'pivot') {
    return [];
  }
  const [front, behind] = link.kind === 'child-key' ? [link.referenced, link.columns] : [link.columns, link.referenced];
  const byRef = new Map<string, Row[]>();
  const frontTable = link.kind === 'child-key' ? edge.parent.root : link.table;
  for (const [ref, row] of await readReferences(em, ctx, frontTable, front, parents)) {
    byRef.set(ref, [...(byRef.get(ref) ?? []), row]);
  }
  const table = link.kind === 'child-key' ? link.table : edge.child.root;
  const found: ArchivedRow[] = [];
  await inChunks(byRef.keys(), async (refs) => {
    const held = heldSql(em, table, behind, refs);
    found.push(...(await find(em, ctx, table, held, [...edge.linkConditions, ...edge.members.child])));
  });
  return found.flatMap(({ key, unit, refs }) => {
    const inFront = refs.flatMap((ref) => byRef.get(ref) ?? []);
    return inFront.length > 0 ? [{ key, unit, parents: inFront }] : [];
  });
}

interface Held {
  readonly isGiven: SqlFragment;
  /** By which the given keys are known that a row holds, as a list. */
  readonly value: SqlFragment;
  refsOf(value: readonly string[]): readonly string[];
}

/** That rows hold one of the given keys in columns, as PostgreSQL compares their values. */
function heldSql(em: EntityManager, table: EntityMetadata, columns: readonly string[], refs: readonly string[]): Held {
  const keys = refs.map((ref) => (columns.length === 1 ? [ref] : (JSON.parse(ref) as string[])));
  const held = columns.map((column, i) => ({
    text: archivedTextSql(em, table, column),
    type: typeOf(em, table, column),
    given: arrayText(keys.map((key) => key[i]!)),
  }));
  const haveOneText = ({ type }: { readonly type: string }) => type === '' || hasOneText(type);
  if (held.every(haveOneText)) {
    const { text, given } = held[0]!;
    return {
      isGiven: { sql: `${text} = any(cast(? as text[]))`, params: [given] },
      value: { sql: `array[${held.map((of) => of.text).join(', ')}]`, params: [] },
      refsOf: (value) => [identify(value)],
    };
  }
  const equal = held.map(({ text, type }, i) =>
    type === '' ? `r."${i}" = ${text}` : `cast(r."${i}" as ${type}) = cast(${text} as ${type})`,
  );
  const names = [...held.map((_of, i) => `"${i}"`), 'n'].join(', ');
  const sql = `from unnest(${held.map(() => 'cast(? as text[])').join(', ')}) with ordinality as r(${names}) where ${equal.join(' and ')}`;
  const params = held.map(({ given }) => given);
  return {
    isGiven: { sql: `exists (select ${sql})`, params },
    value: { sql: `array(select (r.n - 1)::text ${sql})`, params },
    refsOf: (value) => value.map((n) => refs[Number(n)]!),
  };
}

async function find(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  { isGiven, value, refsOf }: Held,
  conditions: readonly RowCondition[],
): Promise<ArchivedRow[]> {
  const among = [isGiven, ...conditions.map((each) => conditionSql(em, table, each))];
  const rows = await execute<{ key: string; unit: string; value: string[] }>(
    em,
    ctx,
    `select a."key" as key, ${UNIT_TEXT} as unit, ${value.sql} as value from ${archiveTable(em)} as a ` +
      `where a."part" = ? and a."schema" = ? and ${among.map(({ sql }) => sql).join(' and ')}`,
    [...value.params, partOf(table), schemaOf(em, table), ...among.flatMap(({ params }) => params)],
  );
  return rows.map((row) => ({ key: rowKeyOf(table.root, row.key), unit: row.unit, refs: refsOf(row.value) }));
}

/** Those of archived rows that meet conditions. @internal */
export async function archivedOf<Row extends Pick<PersonalRow, 'id' | 'key' | 'unit'>>(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  conditions: readonly RowCondition[],
  rows: readonly Row[],
): Promise<Row[]> {
  const met = conditions.map((each) => conditionSql(em, table, each));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const matching: Row[] = [];
  await inChunks(rows, async (chunk) => {
    const found = await execute<{ key: string; unit: string }>(
      em,
      ctx,
      `select a."key" as key, ${UNIT_TEXT} as unit from ${archiveTable(em)} as a ` +
        `where ${['a."part" = ?', AMONG_SNAPSHOTS, ...met.map(({ sql }) => sql)].join(' and ')}`,
      [partOf(table), ...amongArchived(chunk), ...met.flatMap(({ params }) => params)],
    );
    matching.push(...found.flatMap(({ key, unit }) => byId.get(`${identify(rowKeyOf(table, key))}@${unit}`) ?? []));
  });
  return matching;
}

/** Of a row in the archive: the class it had in a hierarchy, the entity that a polymorphic key of it points at. */
function conditionSql(em: EntityManager, table: EntityMetadata, condition: RowCondition): SqlFragment {
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
async function readReferences<Row extends InFront>(
  em: EntityManager,
  ctx: Transaction,
  table: EntityMetadata,
  columns: readonly string[],
  rows: readonly Row[],
): Promise<[ref: string, row: Row][]> {
  const primary = primaryColumns(table.root);
  if (columns.length === primary.length && columns.every((column) => primary.includes(column))) {
    return rows.map((row) => [identify(columns.map((column) => row.key[primary.indexOf(column)]!)), row]);
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const texts = columns.map((column) => textSql(`c.${quote(column)}`, typeOf(em, table, column)));
  const found: [string, Row][] = [];
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
