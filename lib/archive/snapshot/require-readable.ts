import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { execute } from '../../sql/transaction.js';
import { archiveTable } from './archive-table.js';
import { valueSql } from './former-columns.js';
import { partOf } from './part-of.js';

/**
 * Refuses a deletion whose values could not come back: the text of each is read again, of types that PostgreSQL does not bring itself. Costs
 * a statement where a table has columns of such types, and nothing elsewhere.
 *
 * @throws SoftDeleteConfigError naming the column
 * @internal
 */
export async function requireReadable(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  columns: readonly TableColumn[],
  unit: UnitTime,
): Promise<void> {
  for (const { name, type } of columns.filter(({ isForeign }) => isForeign)) {
    const text = valueSql(em, name);
    const [row] = await execute<{ lost: string | null }>(
      em,
      ctx,
      `select min(${text}) as lost from ${archiveTable(em)} as a where a."unit" = cast(? as timestamptz) and a."part" = ? ` +
        `and cast(cast(${text} as ${type}) as text) is distinct from ${text}`,
      [unit.text, partOf(meta)],
    ).catch((error: unknown) => {
      throw unreadable(meta, name, type, (error as Error).message);
    });
    if (row!.lost !== null) {
      throw unreadable(meta, name, type, `'${row!.lost}' is read as another value.`);
    }
  }
}

function unreadable(meta: EntityMetadata, column: string, type: string, why: string): SoftDeleteConfigError {
  return new SoftDeleteConfigError(
    `@SoftDeletable() on ${meta.root.className}, strategy`,
    `a row was not archived, since PostgreSQL cannot read back the text of its column ${column} (${type}): ${why}`,
    "Change the type of the column, or leave out `strategy: 'archive'`.",
  );
}
