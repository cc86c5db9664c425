import { type ChangeSet, ChangeSetType, type UnitOfWork, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveUnit } from '../archive/removal/archive-unit.js';
import { lenders } from '../installation/outer-managers.js';
import { metadataOf } from '../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { sentKey } from '../sql/entity-key.js';
import { lockRows } from '../sql/lock-rows.js';
import { keyConditionSql } from '../sql/row-set.js';
import type { FlushState } from './flush-state.js';
import { isDelete } from './is-delete.js';

/** The change sets of a flush that delete archived entities. @internal */
export function archivedRemovals(uow: UnitOfWork, catalog: SoftDeleteCatalog): ChangeSet<object>[] {
  return uow
    .getChangeSets()
    .filter(
      (changeSet) => isDelete(changeSet) && catalog.findArchived(metadataOf(catalog, changeSet.entity as object)),
    );
}

/**
 * Has rows removed before the flush inserts anything where it inserts rows of the same table: these may take over unique values. The ORM
 * does so for what it removes itself (`computeChangeSets` in `UnitOfWork.js`).
 *
 * @internal
 */
export function removeEarly(uow: UnitOfWork, archived: readonly ChangeSet<object>[]): void {
  const written = new Set(
    uow
      .getChangeSets()
      .filter(({ type }) => type === ChangeSetType.CREATE || type === ChangeSetType.UPDATE)
      .map(({ rootMeta }) => rootMeta),
  );
  archived
    .filter(({ rootMeta }) => written.has(rootMeta))
    .forEach((changeSet) => (changeSet.type = ChangeSetType.DELETE_EARLY));
}

/** Locks the rows of a flush that leave their tables now, and adds them to its unit. @internal */
export async function addRemovals(
  em: EntityManager,
  ctx: Transaction,
  archive: ArchiveUnit,
  { archived }: FlushState,
  type: ChangeSetType,
): Promise<void> {
  const due = archived.filter((changeSet) => changeSet.type === type).map(({ entity }) => entity as object);
  for (const [root, entities] of Map.groupBy(due, (entity) => metadataOf(em, entity).root)) {
    const keys = entities.map((entity) => sentKey(em, root, entity));
    const condition = keyConditionSql(em, root, 'c', keys);
    await archive.add(root, await lockRows(em, ctx, root, { keys: condition, condition }));
  }
}

/** Whether a statement of the flush deletes rows that are in the archive already. @internal */
export function isArchived(state: FlushState | undefined, where: unknown): boolean {
  const [keys] = Utils.isPlainObject(where) ? (Object.values(where) as { $in?: readonly unknown[] }[]) : [];
  const planned = new Set(state?.archived.map((changeSet) => JSON.stringify(changeSet.getPrimaryKey(), asText)));
  return keys?.$in?.every((key) => planned.has(JSON.stringify(key, asText))) ?? false;
}

function asText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/**
 * How the managers whose entities the flush has borrowed get the removed ones back if the transaction does not last: the ORM takes them
 * from those as soon as the flush is over (`registerDeletionHandler` in `TransactionManager.js`).
 *
 * @internal
 */
export function giveBackToLenders({ em, archived }: FlushState): () => void {
  const lent = lenders(em as EntityManager).flatMap((lender) => {
    const identityMap = lender.getUnitOfWork(false).getIdentityMap();
    const own = new Set<object>(identityMap.values());
    return archived
      .map(({ entity }) => entity as object)
      .filter((entity) => own.has(entity))
      .map((entity) => ({ identityMap, entity }));
  });
  return () => lent.forEach(({ identityMap, entity }) => identityMap.store(entity as never));
}
