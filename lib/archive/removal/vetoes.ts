import type { DeletionRestriction } from '../../errors/deletion-restricted.error.js';
import type { RowSet } from '../../sql/row-set.js';

const TRIGGER = 'a trigger of ';

/**
 * Rows that were locked, and that a trigger has kept from being deleted without a word. Rows of pivot tables are not locked.
 *
 * @param gone - how many rows of each entity were deleted
 * @internal
 */
export function findVetoes({ rows }: { readonly rows: RowSet }, gone: readonly number[]): DeletionRestriction[] {
  return rows.entities().flatMap((root, i) => {
    const count = rows.count(root) - gone[i]!;
    return count > 0 && !root.pivotTable
      ? [{ relation: `${TRIGGER}${root.tableName}`, entity: root.className, count }]
      : [];
  });
}

/** What to do about restrictions, where something else helps than usual. @internal */
export function adviceOnVetoes(restrictions: readonly DeletionRestriction[]): string | undefined {
  return restrictions.some(({ relation }) => relation.startsWith(TRIGGER))
    ? 'Have the trigger let these rows go, or raise an error that says why not.'
    : undefined;
}
