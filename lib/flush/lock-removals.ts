import type { Transaction } from '@mikro-orm/core';
import { sentKey } from '../sql/entity-key.js';
import { lockAgainstReferences } from '../sql/lock-against-references.js';
import type { FlushState } from './flush-state.js';

/**
 * Locks the rows that a flush is about to soft-delete, where rows that are being inserted behind them take part in that. The ORM's own
 * update of the timestamp would not wait for these. Costs one SELECT per entity that has such a relation.
 *
 * @internal
 */
export async function lockRemovals({ em, removals }: FlushState, ctx: Transaction): Promise<void> {
  for (const [entry, group] of Map.groupBy(removals, (removal) => removal.entry)) {
    const keys = group.map(({ entity }) => sentKey(em, entry.meta, entity));
    await lockAgainstReferences(em, ctx, entry, keys);
  }
}
