import type { EntityMetadata } from '@mikro-orm/core';
import type { DeletionRestriction } from '../../errors/deletion-restricted.error.js';
import type { RowSet } from '../../sql/row-set.js';

const TRIGGER = 'a trigger of ';

/** A trigger that has kept rows of a table from being deleted without a word. @internal */
export function vetoOn({ tableName, className }: EntityMetadata, count: number): DeletionRestriction {
  return { relation: `${TRIGGER}${tableName}`, entity: className, count };
}

/**
 * Rows that were locked, and that a trigger has kept from being deleted without a word. Rows of pivot tables are not locked.
 *
 * @param gone - how many rows of each entity were deleted
 * @internal
 */
export function findVetoes(rows: RowSet, gone: readonly number[]): DeletionRestriction[] {
  return rows.entities().flatMap((root, i) => {
    const count = rows.count(root) - gone[i]!;
    return count > 0 && !root.pivotTable ? [vetoOn(root, count)] : [];
  });
}

/** What to do about restrictions, where something else helps than usual. @internal */
export function adviceOnVetoes(restrictions: readonly DeletionRestriction[]): string | undefined {
  return restrictions.some(({ relation }) => relation.startsWith(TRIGGER))
    ? 'Have the trigger let these rows go, or raise an error that says why not.'
    : undefined;
}
