import { helper, type Transaction, Utils } from '@mikro-orm/core';
import { lockAgainstReferences } from '../deletion/lock-against-references.js';
import type { FlushState } from './flush-state.js';

/**
 * Locks the rows that a flush is about to soft-delete, where rows that are being inserted behind them take part in that. The ORM's own
 * update of the timestamp would not wait for these. Costs one SELECT per entity that has such a relation.
 *
 * @internal
 */
export async function lockRemovals({ em, removals }: FlushState, ctx: Transaction): Promise<void> {
  for (const [entry, group] of Map.groupBy(removals, (removal) => removal.entry)) {
    const keys = group.map(({ entity }) => Utils.flatten(helper(entity).getPrimaryKeys(true) as unknown[][]));
    await lockAgainstReferences(em, ctx, entry, keys);
  }
}
