import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { OperationRow } from '../../events/operation.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { inChunks, keyConditionSql, keySql, type RowSet } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';

/**
 * The rows of an operation with the units they were deleted in, read before the operation takes them out of these. Costs one SELECT per
 * entity.
 *
 * @internal
 */
export async function readUnits(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
): Promise<Map<EntityMetadata, OperationRow[]>> {
  const units = new Map<EntityMetadata, OperationRow[]>();
  for (const root of rows.entities()) {
    const entry = catalog.find(root);
    const found: OperationRow[][] = [];
    await inChunks(rows.each(root), async (chunk) => {
      if (!entry) {
        found.push(chunk.map((key) => ({ key, unit: null })));
        return;
      }
      const condition = keyConditionSql(em, root, 'c', chunk);
      const unit = unitTextSql(`c.${em.getPlatform().quoteIdentifier(entry.column)}`, entry.columnType);
      found.push(
        await execute<{ key: string[]; unit: string | null }>(
          em,
          ctx,
          `select ${keySql(em, root, 'c')}, ${unit} as unit from ${tableName(em, root)} as c where ${condition.sql}`,
          condition.params,
        ),
      );
    });
    units.set(root, found.flat());
  }
  return units;
}
