import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { arrayText } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { ALLOW_REMOVAL, endRemovalSql, IS_ALLOWED } from '../removal/allowed-removal.js';
import { archiveTable } from '../snapshot/archive-table.js';
import type { MatchedRows } from './match-columns.js';
import type { SnapshotSet } from './snapshot-set.js';
import { valueSql } from '../snapshot/typed-rows-sql.js';

/**
 * Moves rows from the archive back to their tables, in one statement for all of them. Identity columns get the values they had, generated
 * ones are left to the database, and columns that are new since then to their defaults.
 *
 * @internal
 */
export async function insertSnapshots(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  matched: readonly MatchedRows[],
): Promise<void> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const params: unknown[] = [];
  const parts = matched.flatMap(({ part, meta, columnTypes, names, targets }, i) => {
    const rows = snapshots.condition(part);
    params.push(...rows.params, columnTypes, arrayText(names));
    const columns = [...targets].map(([, { name }]) => quote(name));
    const values = [...targets].map(([name, { type }]) => `cast(${valueSql(em, name)} as ${type})`);
    return [
      `"soft-delete:taken${i}" as (delete from ${archiveTable(em)} as a where ${IS_ALLOWED} and ${rows.sql} and a."types" = ? ` +
        `and array(select jsonb_object_keys(a."data")) = cast(? as text[]) returning a."data")`,
      `"soft-delete:back${i}" as (insert into ${tableName(em, meta)} (${columns.join(', ')}) overriding system value ` +
        `select ${values.join(', ')} from "soft-delete:taken${i}" as a)`,
    ];
  });
  if (parts.length > 0) {
    const taken = matched.map((_rows, i) => `"soft-delete:taken${i}"`);
    await execute(em, ctx, `with ${[ALLOW_REMOVAL, ...parts].join(', ')} select ${endRemovalSql(taken)}`, params);
  }
}
