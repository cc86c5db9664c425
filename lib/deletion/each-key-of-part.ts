import type { Operation, OperationPart, OperationPlace } from '../events/operation.js';
import { getInstallation } from '../installation/installation.js';
import { keySql, type RowKey } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';

/** How many keys are read at once. */
const FETCHED = 1_000;

/**
 * The keys of the rows that an operation has reached, by the time of its unit where rows carry one. A cursor reads them: there may be
 * more than memory has room for.
 *
 * @internal
 */
export async function* eachKeyOfPart(
  { meta, count, each }: OperationPart,
  { unit }: Operation,
  { em, ctx }: OperationPlace,
): AsyncGenerator<RowKey> {
  if (each || !unit) {
    yield* each?.() ?? [];
    return;
  }
  const entry = getInstallation(em).catalog.get(meta);
  const sql =
    `select ${keySql(em, meta, 'c')} from ${tableName(em, meta)} as c ` +
    `where c.${em.getPlatform().quoteIdentifier(entry.column)} = cast(? as ${entry.columnType})`;
  const read = (statement: string, params: readonly unknown[] = []) =>
    execute<{ key: string[] }>(em, ctx, statement, params);
  if (count <= FETCHED) {
    for (const { key } of await read(sql, [unit.text])) {
      yield key;
    }
    return;
  }
  // Named after the unit: a handler may delete others, whose keys are read meanwhile.
  const cursor = `"soft-delete:${unit.text}"`;
  await read(`declare ${cursor} no scroll cursor for ${sql}`, [unit.text]);
  for (;;) {
    const rows = await read(`fetch ${FETCHED} from ${cursor}`);
    for (const { key } of rows) {
      yield key;
    }
    if (rows.length < FETCHED) {
      break;
    }
  }
  await read(`close ${cursor}`);
}
