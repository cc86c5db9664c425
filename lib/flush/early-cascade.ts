import { ChangeSetType, type Transaction, type UnitOfWork } from '@mikro-orm/core';
import { type Affected, cascadeDeletion } from '../deletion/cascade-deletion.js';
import { sentKey } from '../sql/entity-key.js';
import type { RowKey } from '../sql/row-set.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { FlushState } from './flush-state.js';

/**
 * Whether a flush writes rows beside loaded ones of the same entity that its cascade deletes. The new rows may take over unique
 * values of these, so that the deletion must come first, as the ORM sees to for what it deletes itself (`DELETE_EARLY`).
 *
 * @internal
 */
export function takesOverValues(uow: UnitOfWork, { cascaded }: Pick<FlushState, 'cascaded'>): boolean {
  const roots = new Set([...cascaded.values()].map(({ meta }) => meta));
  return uow
    .getChangeSets()
    .some(({ type, meta }) => (type === ChangeSetType.CREATE || type === ChangeSetType.UPDATE) && roots.has(meta.root));
}

/**
 * Runs the cascade of a flush over the entities that are loaded and have no changes of their own: rows that this flush is about
 * to move away still hold the key of what is deleted. The others follow in `finishRemovals`.
 *
 * @internal
 */
export function cascadeToLoaded(state: FlushState, ctx: Transaction, catalog: SoftDeleteCatalog): Promise<Affected> {
  const { em, removals, cascaded, unit } = state;
  const changed = new Set(
    em
      .getUnitOfWork()
      .getChangeSets()
      .map(({ entity }) => entity as object),
  );
  const unchanged = [...cascaded].filter(([entity]) => !changed.has(entity));
  const keys = new Map<SoftDeletableEntityMetadata, RowKey[]>();
  for (const [entry, group] of Map.groupBy(unchanged, ([, entry]) => entry)) {
    keys.set(
      entry,
      group.map(([entity]) => sentKey(em, entry.meta, entity)),
    );
  }
  return cascadeDeletion(em, ctx, catalog, unit!, new Set(removals.map(({ entry }) => entry)), keys);
}
