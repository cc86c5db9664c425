import { archiveTable } from '../archive/snapshot/archive-table.js';
import type { Operation, OperationPart, OperationPlace } from '../events/operation.js';
import { getInstallation } from '../installation/installation.js';
import { keySql, type RowKey } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';

/** How many keys are read at once. */
const FETCHED = 1_000;

type Unit = NonNullable<Operation['unit']>;

/**
 * The keys of the rows that an operation has reached, by the time of its unit where rows carry one.
 *
 * @internal
 */
export async function* eachKeyOfPart(
  part: OperationPart,
  { unit }: Operation,
  place: OperationPlace,
): AsyncGenerator<RowKey> {
  const { meta, each } = part;
  if (each || !unit) {
    yield* each?.() ?? [];
    return;
  }
  const { em } = place;
  const entry = getInstallation(em).catalog.get(meta);
  const rows = eachRow<{ key: string[] }>(
    `select ${keySql(em, meta, 'c')} from ${tableName(em, meta)} as c ` +
      `where c.${em.getPlatform().quoteIdentifier(entry.column)} = cast(? as ${entry.columnType})`,
    [unit.text],
    part,
    unit,
    place,
  );
  for await (const { key } of rows) {
    yield key;
  }
}

/** The keys of the rows that an operation has moved to the archive, as the archive has them. @internal */
export async function* eachArchivedKeyOfPart(
  part: OperationPart,
  unit: Unit,
  place: OperationPlace,
): AsyncGenerator<string> {
  const entity = part.meta.className;
  const rows = eachRow<{ key: string }>(
    `select a."key" from ${archiveTable(place.em)} as a where a."entity" = ? and a."unit" = cast(? as timestamptz) and a."part" = ?`,
    [entity, unit.text, entity],
    part,
    unit,
    place,
  );
  for await (const { key } of rows) {
    yield key;
  }
}

/** A cursor reads them: there may be more than memory has room for. */
async function* eachRow<Row extends object>(
  sql: string,
  params: readonly unknown[],
  { count }: OperationPart,
  unit: Unit,
  { em, ctx }: OperationPlace,
): AsyncGenerator<Row> {
  const read = (statement: string, values: readonly unknown[] = []) => execute<Row>(em, ctx, statement, values);
  if (count <= FETCHED) {
    yield* await read(sql, params);
    return;
  }
  // Named after the unit: a handler may delete others, whose keys are read meanwhile.
  const cursor = `"soft-delete:${unit.text}"`;
  await read(`declare ${cursor} no scroll cursor for ${sql}`, params);
  for (;;) {
    const rows = await read(`fetch ${FETCHED} from ${cursor}`);
    yield* rows;
    if (rows.length < FETCHED) {
      break;
    }
  }
  await read(`close ${cursor}`);
}
