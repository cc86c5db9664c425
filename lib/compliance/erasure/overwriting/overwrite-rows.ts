import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { keyTextSql } from '../../../archive/snapshot/key-text-sql.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { identify, inChunks, keyConditionSql, primaryColumnTypes, type RowKey, textSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute, executeCounting } from '../../../sql/transaction.js';
import type { PersonalRow } from '../graph/personal-rows.js';
import { groupRows, type RowGroup } from './group-rows.js';
import { differsSql, replacementSql } from './replacement-sql.js';

/**
 * Puts the replacements in place of the personal values of rows in tables. A row that shows them already stays untouched.
 *
 * @returns the rows that were changed
 * @internal
 */
export async function overwriteRows(
  em: EntityManager,
  ctx: Transaction,
  rows: readonly PersonalRow[],
): Promise<PersonalRow[]> {
  const changed = new Set<PersonalRow>();
  for (const group of groupRows(rows.filter(({ isLive }) => isLive))) {
    await inChunks(group.rows, async (chunk) => {
      const written = await overwrite(
        em,
        ctx,
        group,
        chunk.map(({ key }) => key),
      );
      if (written === ALL) {
        chunk.forEach((row) => changed.add(row));
        return;
      }
      const byKey = new Map(chunk.map((row) => [identify(row.key), row]));
      written.forEach((key) => changed.add(byKey.get(identify(key))!));
    });
  }
  await countVersions(em, ctx, [...changed]);
  return [...changed];
}

/** What is said instead of the keys of all rows that were asked for. */
const ALL = Symbol('all');

async function overwrite(
  em: EntityManager,
  ctx: Transaction,
  { table, fields }: RowGroup,
  keys: readonly RowKey[],
): Promise<readonly RowKey[] | typeof ALL> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const name = tableName(em, table);
  const keyText = keyTextSql(em, table, 'c');
  const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
  const assigned = fields.map((field) => replacementSql(em, field, keyText));
  const differing = fields.map((field) => differsSql(em, field, keyText));
  const key = primaryColumnTypes(table).map(({ column, type }) => textSql(`c.${quote(column)}`, type));
  const [row] = await execute<{ count: number; keys: string[][] | null }>(
    em,
    ctx,
    `with "soft-delete:written" as (update ${name} as c set ${fields.map(({ column }, i) => `${quote(column)} = ${assigned[i]!.sql}`).join(', ')} ` +
      `where ${among.sql} and (${differing.map(({ sql }) => sql).join(' or ')}) returning array[${key.join(', ')}] as key) ` +
      `select count(*)::int as count, case when count(*) < ${keys.length} then json_agg(w.key) end as keys from "soft-delete:written" as w`,
    [...assigned.flatMap(({ params }) => params), ...among.params, ...differing.flatMap(({ params }) => params)],
  );
  return row!.count === keys.length ? ALL : (row!.keys ?? []);
}

/** Whoever has loaded a row before it was overwritten must not write it back. */
async function countVersions(em: EntityManager, ctx: Transaction, rows: readonly PersonalRow[]): Promise<void> {
  for (const [root, changed] of Map.groupBy(rows, (row) => row.root)) {
    const version = root.versionProperty ? root.properties[root.versionProperty] : undefined;
    if (!version) {
      continue;
    }
    const column = em.getPlatform().quoteIdentifier(version.fieldNames[0]!);
    const next =
      version.runtimeType === 'Date' ? em.getPlatform().getCurrentTimestampSQL(version.length) : `c.${column} + 1`;
    await inChunks(
      changed.map(({ key }) => key),
      async (keys) => {
        const among = keyConditionSql(em, root, 'c', keys);
        await executeCounting(
          em,
          ctx,
          `update ${tableName(em, root)} as c set ${column} = ${next} where ${among.sql}`,
          among.params,
        );
      },
    );
  }
}
