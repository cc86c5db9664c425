import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { readInsertTriggers } from '../../postgres/catalog/read-insert-triggers.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { arrayText, inChunks, keyConditionSql } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../removal/allowed-removal.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { columnTextSql } from '../snapshot/column-text-sql.js';
import { keyTextSql } from '../snapshot/key-text-sql.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import type { ColumnMismatch, MatchedRows } from './match-columns.js';
import type { SnapshotSet } from './snapshot-set.js';
import { valueSql } from '../snapshot/former-columns.js';

/** What became of the rows of one part: how many left the archive, how many are in their table, and one that is not what it was. */
type Moved = readonly [taken: number, back: number, changed: readonly [key: string, column: string] | null];

/**
 * Moves rows from the archive back to their tables, in one statement for all of them. Identity columns get the values they had, generated
 * ones are left to the database, and columns that are new since then to their defaults.
 *
 * @returns the rows that triggers have left out or changed: then the transaction is to be undone
 * @internal
 */
export async function insertSnapshots(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  matched: readonly MatchedRows[],
): Promise<ColumnMismatch[]> {
  if (matched.length === 0) {
    return [];
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const fired = await readInsertTriggers(em, ctx, [...new Set(matched.map(({ meta }) => meta))]);
  const params: unknown[] = [];
  const parts = matched.flatMap((of, i) => {
    const { part, meta, columnTypes, names, targets } = of;
    const rows = snapshots.condition(part);
    params.push(...rows.params, columnTypes, arrayText(names));
    const columns = [...targets].map(([, { name }]) => quote(name));
    const values = [...targets].map(([name, { type }]) => `cast(${valueSql(em, name)} as ${type})`);
    if (fired.has(meta)) {
      params.push(arrayText([...targets.keys()]));
    }
    return [
      `${taken(i)} as (delete from ${archiveTable(em)} as a where ${IS_ALLOWED} and ${rows.sql} and a."types" = ? ` +
        `and array(select jsonb_object_keys(a."data")) = cast(? as text[]) returning a."key", a."data")`,
      `${back(i)} as (insert into ${tableName(em, meta)} as c (${columns.join(', ')}) overriding system value ` +
        `select ${values.join(', ')} from ${taken(i)} as a returning ${fired.has(meta) ? writtenSql(em, of) : '1'})`,
    ];
  });
  const moved = matched.map(
    ({ meta }, i) =>
      `json_build_array((select count(*) from ${taken(i)}), (select count(*) from ${back(i)}), ${fired.has(meta) ? changedSql(i) : 'null'})`,
  );
  const [row] = await execute<{ moved: Moved[] }>(
    em,
    ctx,
    `with ${[ALLOW_REMOVAL, ...parts].join(', ')} ` +
      `select json_build_array(${moved.join(', ')}) as moved, ${endRemovalSql(matched.map((_of, i) => taken(i)))}`,
    params,
  );
  const changed = matched.flatMap(({ part }, i) => findChanged(part, row!.moved[i]!));
  return changed.length > 0 || fired.size === 0 ? changed : findGone(em, ctx, snapshots, matched);
}

/** Rows that the statement has inserted, and a trigger after it has removed again, perhaps one of another table. */
async function findGone(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  matched: readonly MatchedRows[],
): Promise<ColumnMismatch[]> {
  const gone: ColumnMismatch[] = [];
  for (const [part, [of]] of Map.groupBy(matched, (each) => each.part)) {
    const { meta } = of!;
    await inChunks(snapshots.of(part), async (chunk) => {
      const keys = chunk.map(({ key }) => rowKeyOf(meta, key));
      const { sql, params } = keyConditionSql(em, meta, 'c', keys, primaryColumns(meta), tableName(em, meta));
      const rows = await execute<{ key: string }>(
        em,
        ctx,
        `select ${keyTextSql(em, meta, 'c')} as key from ${tableName(em, meta)} as c where ${sql}`,
        params,
      );
      const there = new Set(rows.map(({ key }) => key));
      const lost = chunk.filter(({ key }) => !there.has(key));
      gone.push(...lost.map(({ key }) => ({ part, column: '*', key })));
    });
  }
  return gone;
}

function taken(i: number): string {
  return `"soft-delete:taken${i}"`;
}

function back(i: number): string {
  return `"soft-delete:back${i}"`;
}

/** What a row has become, after what its table does to new rows, as the archive would have it. */
function writtenSql(em: EntityManager, { meta, targets }: MatchedRows): string {
  const texts = [...targets.values()].map((column) => columnTextSql(em, column));
  return `${keyTextSql(em, meta, 'c')} as "key", jsonb_object(cast(? as text[]), array[${texts.join(', ')}]) as "data"`;
}

function changedSql(i: number): string {
  return (
    `(select json_build_array(t."key", coalesce(d."key", '*')) from ${taken(i)} as t left join ${back(i)} as b on b."key" = t."key" ` +
    `left join lateral jsonb_each_text(b."data") as d on true ` +
    `where b."key" is null or d."value" is distinct from t."data" ->> d."key" limit 1)`
  );
}

function findChanged(part: string, [took, put, changed]: Moved): ColumnMismatch[] {
  if (changed) {
    const [key, column] = changed;
    return [{ part, column, key }];
  }
  return took === put ? [] : [{ part, column: '*', key: undefined }];
}
