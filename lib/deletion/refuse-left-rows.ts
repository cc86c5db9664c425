import type { EntityMetadata } from '@mikro-orm/core';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';

/**
 * Refuses a removal that the database has carried out in part: a trigger that returns null and a policy of row-level security leave
 * rows where they are, without an error. They would be reported and recorded as removed.
 *
 * @param removed - how many rows of each table are gone
 * @throws DeletionRestrictedError naming the tables and how many rows they keep
 * @internal
 */
export function refuseLeftRows(
  expected: readonly { readonly meta: EntityMetadata; readonly count: number }[],
  removed: readonly number[],
): void {
  const left = expected
    .map(({ meta, count }, i) => ({ meta, count: count - removed[i]! }))
    .filter(({ count }) => count > 0);
  if (left.length > 0) {
    throw new DeletionRestrictedError(
      left[0]!.meta.className,
      left.map(({ meta, count }) => ({
        relation: `a trigger or row-level security of the table ${meta.tableName}`,
        entity: meta.className,
        count,
      })),
      'The database keeps these rows without an error: look at the triggers of the table and at its policies for DELETE.',
    );
  }
}
