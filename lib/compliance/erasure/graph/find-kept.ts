import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { hasTimeZone } from '../../../sql/deleted-at-sql.js';
import { arrayText, identify, inChunks, keyConditionSql, primaryColumnTypes, textSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import type { ResolvedKeep } from '../declaration/personal-data-entity.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRow, PersonalRows } from './personal-rows.js';

interface KeptRow {
  readonly key: readonly string[];
  readonly until: string | null;
}

/** Marks the rows that the law keeps: those whose period is not over by the database's clock, or has not begun. @internal */
export async function findKept(em: EntityManager, ctx: Transaction, rows: PersonalRows): Promise<void> {
  const keeping = new Map<ResolvedKeep, PersonalRow[]>();
  for (const row of rows.declared()) {
    for (const { keep } of row.declared.declarations) {
      if (keep) {
        const candidates = keeping.get(keep) ?? [];
        candidates.push(row);
        keeping.set(keep, candidates);
      }
    }
  }
  for (const [keep, candidates] of keeping) {
    const live = candidates.filter(({ isLive }) => isLive);
    await inChunks(live, async (chunk) => mark(keep, chunk, await keptInTable(em, ctx, keep, chunk), () => ''));
    const archived = candidates.filter(({ isLive }) => !isLive);
    await inChunks(archived, async (chunk) =>
      mark(keep, chunk, await keptInArchive(em, ctx, keep, chunk), ({ unit }) => unit!),
    );
  }
}

function mark(
  { ground }: ResolvedKeep,
  rows: readonly PersonalRow[],
  kept: readonly (KeptRow & { readonly unit?: string })[],
  unitOf: (row: PersonalRow) => string,
): void {
  const untils = new Map(kept.map(({ key, unit, until }) => [`${identify(key)}@${unit ?? ''}`, until]));
  for (const row of rows) {
    const until = untils.get(`${identify(row.key)}@${unitOf(row)}`);
    if (until !== undefined) {
      row.kept = { ground, until: until === null ? null : dateOf(until) };
    }
  }
}

function keptInTable(
  em: EntityManager,
  ctx: Transaction,
  { table, column, interval }: ResolvedKeep,
  rows: readonly PersonalRow[],
): Promise<KeptRow[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const key = primaryColumnTypes(table).map((each) => textSql(`c.${quote(each.column)}`, each.type));
  const among = keyConditionSql(
    em,
    table,
    'c',
    rows.map((row) => row.key),
    primaryColumns(table),
    tableName(em, table),
  );
  const type = table.props.find(({ fieldNames }) => fieldNames?.includes(column))?.columnTypes[0] ?? '';
  const end = `(${utcSql(`c.${quote(column)}`, type)} + cast(? as interval))`;
  return execute(
    em,
    ctx,
    `select array[${key.join(', ')}] as key, ${untilSql(end)} as until from ${tableName(em, table)} as c ` +
      `where ${among.sql} and ${isAheadSql(end)}`,
    [interval, ...among.params, interval],
  );
}

async function keptInArchive(
  em: EntityManager,
  ctx: Transaction,
  { table, column, interval }: ResolvedKeep,
  rows: readonly PersonalRow[],
): Promise<(KeptRow & { unit: string })[]> {
  const type = table.props.find(({ fieldNames }) => fieldNames?.includes(column))?.columnTypes[0] ?? '';
  const value = `cast(${FormerColumns.mapped(em, table).textSql(em, column)} as ${type})`;
  const end = `(${utcSql(value, type)} + cast(? as interval))`;
  const keys = rows.map(({ key }) => identify(key));
  const found = await execute<{ key: string; unit: string; until: string | null }>(
    em,
    ctx,
    `select a."key" as key, ${UNIT_TEXT} as unit, ${untilSql(end)} as until from ${archiveTable(em)} as a ` +
      `where a."part" = ? and a."key" = any(cast(? as text[])) and ${isAheadSql(end)}`,
    [interval, partOf(table), arrayText(keys), interval],
  );
  return found.map((row) => ({ ...row, key: rowKeyOf(table.root, row.key) }));
}

/** Months and years are added in UTC, so that no session's time zone decides about a day. */
function utcSql(value: string, type: string): string {
  return hasTimeZone(type) ? `${value} at time zone 'UTC'` : `${value}::timestamp`;
}

function isAheadSql(end: string): string {
  return `coalesce(${end} > now() at time zone 'UTC', true)`;
}

function untilSql(end: string): string {
  return `to_char(${end}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

function dateOf(text: string): Date {
  return new Date(text);
}
