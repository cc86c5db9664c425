import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { identify, keyConditionSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import type { ResidualCell } from './residual-cell.js';
import { jsonSql, hashSql } from './text-sql.js';

/**
 * The places where an earlier run has found old values, and which nobody has changed since. The values themselves are known to nobody any
 * more.
 *
 * @param found - what has been found again
 * @internal
 */
export async function findUnchanged(
  em: EntityManager,
  ctx: Transaction,
  known: readonly ResidualCell[],
  found: readonly ResidualCell[],
): Promise<ResidualCell[]> {
  const again = new Set(found.map(cellId));
  const unchanged: ResidualCell[] = [];
  for (const cell of known.filter((each) => !again.has(cellId(each)))) {
    const hash = cell.unit === null ? await hashInTable(em, ctx, cell) : await hashInArchive(em, ctx, cell);
    if (hash === cell.hash) {
      unchanged.push(cell);
    }
  }
  return unchanged;
}

function cellId({ entity, column, key, unit }: ResidualCell): string {
  return JSON.stringify([entity, column, identify(key), unit]);
}

async function hashInTable(em: EntityManager, ctx: Transaction, { entity, column, key }: ResidualCell) {
  const table = [...em.getMetadata()].find(({ className }) => className === entity);
  const prop = table?.props.find(({ fieldNames }) => fieldNames?.includes(column));
  if (!table || !prop) {
    return undefined;
  }
  const name = tableName(em, table);
  const among = keyConditionSql(em, table, 'c', [key], primaryColumns(table), name);
  const value = jsonSql(
    `c.${em.getPlatform().quoteIdentifier(column)}`,
    prop.columnTypes[prop.fieldNames.indexOf(column)] ?? '',
  );
  const [row] = await execute<{ hash: string }>(
    em,
    ctx,
    `select ${hashSql(`(${value})::text`)} as hash from ${name} as c where ${among.sql}`,
    among.params,
  );
  return row?.hash;
}

async function hashInArchive(em: EntityManager, ctx: Transaction, { entity, column, key, unit }: ResidualCell) {
  const [row] = await execute<{ hash: string }>(
    em,
    ctx,
    `select ${hashSql('a."data" ->> ?')} as hash from ${archiveTable(em)} as a ` +
      `where a."part" = ? and a."key" = ? and a."unit" = cast(? as timestamptz)`,
    [column, entity, identify(key), unit],
  );
  return row?.hash;
}
