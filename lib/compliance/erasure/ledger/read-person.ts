import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { FormerColumns } from '../../../archive/snapshot/former-columns.js';
import { keyTextSql } from '../../../archive/snapshot/key-text-sql.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { keyConditionSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import { amongArchived } from '../overwriting/erase-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import { groupRows, type RowGroup } from '../overwriting/group-rows.js';
import { differsSql } from '../overwriting/replacement-sql.js';
import { withTexts } from '../search/with-texts.js';
import type { PersonValue } from './fingerprint.js';

/** The personal values of a person's own row that are not replaced. @internal */
export async function readPerson(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
): Promise<PersonValue[]> {
  const found: PersonValue[] = [];
  for (const group of groupRows(rows, withTexts(em))) {
    const columns = { ...group, fields: group.fields.filter(({ type }) => !/^(bytea|tsvector)/i.test(type)) };
    if (columns.fields.length > 0) {
      found.push(...(group.rows[0]!.isLive ? await live(em, ctx, columns) : await archived(em, ctx, columns)));
    }
  }
  return found;
}

async function live(em: EntityManager, ctx: Transaction, { table, fields, rows }: RowGroup): Promise<PersonValue[]> {
  const name = tableName(em, table);
  const among = keyConditionSql(em, table, 'c', [rows[0]!.key], primaryColumns(table), name);
  const differs = fields.map((field) => differsSql(em, field, keyTextSql(em, table, 'c')));
  const values = fields.map(
    ({ column }, i) => `case when ${differs[i]!.sql} then c.${em.getPlatform().quoteIdentifier(column)}::text end`,
  );
  const [row] = await execute<{ values: (string | null)[] }>(
    em,
    ctx,
    `select array[${values.join(', ')}] as values from ${name} as c where ${among.sql}`,
    [...differs.flatMap(({ params }) => params), ...among.params],
  );
  return fields.flatMap(({ column, isUnique }, i) => {
    const value = row?.values[i] ?? null;
    return value === null ? [] : [{ column, value, isUnique }];
  });
}

async function archived(
  em: EntityManager,
  ctx: Transaction,
  { table, fields, rows }: RowGroup,
): Promise<PersonValue[]> {
  const [row] = await execute<{ data: Record<string, string | null> }>(
    em,
    ctx,
    `select a."data" as data from ${archiveTable(em)} as a where a."part" = ? and ${AMONG_SNAPSHOTS}`,
    [partOf(table), ...amongArchived(rows.slice(0, 1))],
  );
  const former = FormerColumns.mapped(em, table);
  const names = new Set(Object.keys(row?.data ?? {}));
  const today = new Map([...names].map((name) => [former.currentName(name, names), row!.data[name]!]));
  return fields.flatMap(({ column, isUnique, value: replacement }) => {
    const value = today.get(column) ?? null;
    const isReplaced =
      value === (replacement.kind === 'constant' ? replacement.text : null) || value?.startsWith('erased-');
    return value === null || isReplaced ? [] : [{ column, value, isUnique }];
  });
}
