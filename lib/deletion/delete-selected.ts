import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { activePredicateSql } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';
import { isAwaitedByOthers, lockReferencedParts, updateLockedSql } from '../sql/lock-against-references.js';
import { lockRows } from '../sql/lock-rows.js';
import { inChunks, keyConditionSql } from '../sql/row-set.js';
import type { RowSelection } from '../sql/select-rows.js';
import { assignUnitSql, putIntoUnit } from '../sql/deleted-at-sql.js';
import type { UnitTime } from '../sql/take-unit-time.js';

/** Puts the active rows that are asked for into a unit. @returns how many @internal */
export async function deleteSelected(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  asked: RowSelection,
  unit: UnitTime,
): Promise<number> {
  const table = tableName(em, entry.meta);
  const assigned = assignUnitSql(em, entry, unit);
  const active = activePredicateSql(`c.${em.getPlatform().quoteIdentifier(entry.column)}`);
  let count = 0;
  if (!asked.condition) {
    await inChunks(await lockRows(em, ctx, entry.meta, asked), async (chunk) => {
      const among = keyConditionSql(em, entry.meta, 'c', chunk);
      const sql = `update ${table} as c set ${assigned.assignments} where ${active} and ${among.sql}`;
      count += await putIntoUnit(em, ctx, entry, unit, sql, [...assigned.params, ...among.params]);
    });
  } else {
    const { sql: condition, params } = asked.condition;
    const where = `${active} and (${condition})`;
    count = isAwaitedByOthers(em, entry)
      ? await putIntoUnit(
          em,
          ctx,
          entry,
          unit,
          updateLockedSql(em, entry, assigned.assignments, `${table} as c`, where),
          [...params, ...assigned.params],
        )
      : await putIntoUnit(em, ctx, entry, unit, `update ${table} as c set ${assigned.assignments} where ${where}`, [
          ...assigned.params,
          ...params,
        ]);
  }
  await lockReferencedParts(em, ctx, entry, unit);
  return count;
}
