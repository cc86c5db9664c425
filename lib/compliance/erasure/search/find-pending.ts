import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { UNIT_TEXT } from '../../../archive/restoration/lock-snapshots.js';
import { keyTextSql } from '../../../archive/snapshot/key-text-sql.js';
import { rowKeyOf } from '../../../archive/snapshot/row-key-of.js';
import { withExactText } from '../../../archive/snapshot/with-exact-text.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { identify, inChunks, keyConditionSql, primaryColumnTypes, textSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import { amongArchived, replacedDataSql } from '../overwriting/erase-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import { groupRows, type RowGroup } from '../overwriting/group-rows.js';
import { differsSql } from '../overwriting/replacement-sql.js';
import { withTexts } from './with-texts.js';

/** Rows that were left alone, with the columns that still show personal values. @internal */
export type PendingColumns = ReadonlyMap<string, readonly string[]>;

/** The name of a row among pending ones. @internal */
export function pendingId(row: PersonalRow): string {
  return `${row.root.className}:${row.id}`;
}

/** Finds what rows show that an erasure would overwrite, or remove, if nothing kept them. @internal */
export async function findPending(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
): Promise<PendingColumns> {
  const pending = new Map<string, string[]>();
  const add = (row: PersonalRow, columns: readonly string[]) =>
    pending.set(pendingId(row), [...(pending.get(pendingId(row)) ?? []), ...columns]);
  for (const group of groupRows(rows, withTexts(em))) {
    const byId = new Map(group.rows.map((row) => [row.id, row]));
    for (const found of [await inTable(em, ctx, group), await inArchive(em, ctx, group)]) {
      found.forEach(({ id, columns }) => add(byId.get(id)!, columns));
    }
  }
  // One that has no texts, and should be gone.
  rows.filter((row) => row.isGoing && !pending.has(pendingId(row))).forEach((row) => add(row, []));
  return pending;
}

async function inTable(em: EntityManager, ctx: Transaction, { table, fields, rows }: RowGroup) {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const name = tableName(em, table);
  const keyText = keyTextSql(em, table, 'c');
  const key = primaryColumnTypes(table).map(({ column, type }) => textSql(`c.${quote(column)}`, type));
  const differs = fields.map((field) => differsSql(em, field, keyText));
  const found: { id: string; columns: string[] }[] = [];
  await inChunks(
    rows.filter(({ isLive }) => isLive).map((row) => row.key),
    async (keys) => {
      const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
      const differing = await execute<{ key: string[]; differs: boolean[] }>(
        em,
        ctx,
        `select array[${key.join(', ')}] as key, array[${differs.map(({ sql }) => sql).join(', ')}] as differs ` +
          `from ${name} as c where ${among.sql}`,
        [...differs.flatMap(({ params }) => params), ...among.params],
      );
      for (const row of differing.filter((each) => each.differs.includes(true))) {
        const columns = fields.filter((_field, i) => row.differs[i]).map(({ column }) => column);
        found.push({ id: `${identify(row.key)}@`, columns });
      }
    },
  );
  return found;
}

async function inArchive(em: EntityManager, ctx: Transaction, { table, fields, rows }: RowGroup) {
  const archived = rows.filter(({ isLive }) => !isLive);
  if (archived.length === 0) {
    return [];
  }
  return withExactText(em, ctx, async () => {
    const data = await replacedDataSql(em, ctx, table, fields);
    const differing = await execute<{ key: string; unit: string; columns: string[] }>(
      em,
      ctx,
      `select a."key" as key, ${UNIT_TEXT} as unit, array_agg(v.name) as columns from ${archiveTable(em)} as a ` +
        `cross join lateral jsonb_each(${data.sql}) as v (name, value) ` +
        `where a."part" = ? and ${AMONG_SNAPSHOTS} and v.value is distinct from a."data" -> v.name group by 1, 2`,
      [...data.params, partOf(table), ...amongArchived(archived)],
    );
    return differing.map(({ key, unit, columns }) => ({
      id: `${identify(rowKeyOf(table.root, key))}@${unit}`,
      columns,
    }));
  });
}
