import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { UNIT_TEXT } from '../../archive/restoration/lock-snapshots.js';
import { archiveTable, hasArchive } from '../../archive/snapshot/archive-table.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { schemaOf } from '../../archive/snapshot/write-snapshots.js';
import { identify, primaryColumnTypes, type RowKey } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';
import { hasOneText, sameKeySql } from './same-key-sql.js';

/** The archived rows with a key, the one that was deleted last first, each with the texts of its own. @internal */
export async function archivedWithKey(
  em: EntityManager,
  ctx: Transaction | undefined,
  { root }: EntityMetadata,
  key: RowKey,
): Promise<{ key: RowKey; unit: string }[]> {
  if (!hasArchive(em)) {
    return [];
  }
  const types = primaryColumnTypes(root);
  const list = types.length === 1 ? 'jsonb_build_array(a."key")' : 'cast(a."key" as jsonb)';
  const same = types.every(({ type }) => hasOneText(type))
    ? { sql: `a."part" = ? and a."key" = ?`, params: [root.className, identify(key)] }
    : sameKeySql(root, 'a."part"', list, key);
  const rows = await execute<{ key: string; unit: string }>(
    em,
    ctx as Transaction,
    `select a."key" as key, ${UNIT_TEXT} as unit from ${archiveTable(em)} as a where ${same.sql} and a."schema" = ? order by a."unit" desc`,
    [...same.params, schemaOf(em, root)],
  );
  return rows.map((row) => ({ key: rowKeyOf(root, row.key), unit: row.unit }));
}
