import { type ChangeSet, ChangeSetType, helper, type UnitOfWork } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { createRemovals } from './create-removals.js';
import type { Removal } from '../flush-state.js';
import { isDelete } from '../is-delete.js';
import { isNew, planRemoval } from './plan-removal.js';
import { expectedTime } from '../write-time.js';

/**
 * What listeners have asked to be deleted by change sets of their own (`uow.computeChangeSet()`), which no plan has seen. A row that
 * is deleted already, or was never inserted, is left as it is.
 *
 * @internal
 */
export function planLateRemovals(
  uow: UnitOfWork,
  catalog: SoftDeleteCatalog,
  planned: readonly Removal[],
): { removals: Removal[]; cascaded: ReadonlyMap<object, SoftDeletableEntityMetadata> } {
  const known = new Set(planned.map(({ entity }) => entity));
  const late = uow
    .getChangeSets()
    .filter((changeSet) => isDelete(changeSet) && !known.has(changeSet.entity as object))
    .filter(({ entity }) => catalog.find(metadataOf(catalog, entity as object)));
  const saved = late.map(({ entity }) => entity as object).filter((entity) => !isNew(entity));
  const { soft, cascaded } = planRemoval(saved, [], catalog);
  late.filter(({ entity }) => !soft.has(entity as object)).forEach(leaveAlone);
  return { removals: createRemovals(catalog, soft), cascaded };
}

/** Makes updates of the timestamp of the change sets that still delete what is removed. @internal */
export function turnDeletes(em: EntityManager, uow: UnitOfWork, removals: readonly Removal[]): void {
  const changeSets = new Map(uow.getChangeSets().map((changeSet) => [changeSet.entity as object, changeSet]));
  for (const removal of removals) {
    const changeSet = changeSets.get(removal.entity)!;
    if (isDelete(changeSet)) {
      toEarlyUpdate(em, changeSet, removal);
    }
    removal.changeSet = changeSet;
  }
}

/** An update without changes is passed over unless its row has a version (`getChangeSetGroups` in `UnitOfWork.js`). */
function leaveAlone(changeSet: ChangeSet<object>): void {
  changeSet.type = ChangeSetType.UPDATE;
  changeSet.payload = {};
  changeSet.meta = Object.create(changeSet.meta, { hasOptimisticLock: { value: () => false } });
}

function toEarlyUpdate(em: EntityManager, changeSet: ChangeSet<object>, { entity, entry, original }: Removal): void {
  changeSet.type = ChangeSetType.UPDATE_EARLY;
  changeSet.originalEntity = helper(entity).__originalEntityData;
  // In a table-per-type hierarchy the timestamp is on the root's table.
  if (entry.meta.inheritanceType === 'tpt') {
    changeSet.meta = entry.meta;
  }
  // For listeners of `onFlush` to see what the update changes. The time itself is the database's, and not known before it runs.
  changeSet.payload = { [entry.property]: expectedTime(em, entry) };
  // The ORM takes an update that changes none of the checked properties for a conflict (`checkConcurrencyKeys`).
  const [checked] = changeSet.meta.getOwnConcurrencyCheckKeys();
  if (checked !== undefined && original) {
    changeSet.payload[checked] = original[checked];
  }
}
