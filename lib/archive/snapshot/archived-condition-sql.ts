import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RowCondition } from '../../metadata/relations/graph-relation.js';
import { rowConditionSql, type SqlFragment } from '../../sql/row-condition-sql.js';
import { looksElsewhere } from '../../sql/select-rows.js';
import { archiveTable } from './archive-table.js';
import { partOf } from './part-of.js';

/**
 * A condition on rows `a` of the archive, whose values are there as the columns of `c`.
 *
 * @param holder - the table that the rows were in
 * @returns nothing for a `where` that looks at other tables: an archived row is in none that it could be joined to
 * @internal
 */
export function archivedConditionSql(
  em: EntityManager,
  holder: EntityMetadata,
  condition: RowCondition,
): SqlFragment | undefined {
  if ('subtable' in condition) {
    return {
      sql: `exists (select from ${archiveTable(em)} as s where s."part" = ? and s."key" = a."key" and s."unit" = a."unit")`,
      params: [partOf(condition.subtable)],
    };
  }
  if ('where' in condition && holder.root !== holder) {
    return undefined;
  }
  const own = rowConditionSql(em, holder, 'c', condition);
  return looksElsewhere(own.sql) ? undefined : own;
}

/** All of them, as far as they can be asked. @internal */
export function archivedConditionsSql(
  em: EntityManager,
  holder: EntityMetadata,
  conditions: readonly RowCondition[],
): SqlFragment[] {
  return conditions.flatMap((condition) => archivedConditionSql(em, holder, condition) ?? []);
}
