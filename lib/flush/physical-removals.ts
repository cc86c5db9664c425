import { ChangeSetType, type Collection, helper, ReferenceKind, type UnitOfWork, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sentKey } from '../sql/entity-key.js';
import { inChunks, keyConditionSql } from '../sql/row-set.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { isDelete } from './is-delete.js';
import { cascadesOf, type PhysicalRemoval } from './refuse-physical-cascade.js';

/**
 * The rows that a flush removes physically: by its change sets, and by what the driver deletes behind one-to-many collections with
 * orphan removal that were replaced without having been loaded (`syncCollections` in `AbstractSqlDriver.js`).
 *
 * @internal
 */
export async function physicalRemovals(
  em: EntityManager,
  uow: UnitOfWork,
  catalog: SoftDeleteCatalog,
): Promise<PhysicalRemoval[]> {
  const removals: PhysicalRemoval[] = [];
  const removed = uow
    .getChangeSets()
    .filter((changeSet) => isDelete(changeSet) && !catalog.findMarked(metadataOf(em, changeSet.entity as object)))
    .map(({ entity }) => entity as object);
  for (const [meta, entities] of Map.groupBy(removed, (entity) => metadataOf(em, entity).root)) {
    const keys = entities.map((entity) => sentKey(em, meta, entity));
    await inChunks(keys, async (chunk) => {
      removals.push({ meta, condition: keyConditionSql(em, meta, 'p', chunk) });
    });
  }
  for (const collection of uow.getCollectionUpdates()) {
    if (isUnloadedRemoval(collection, catalog)) {
      removals.push(behind(em, collection));
    }
  }
  return removals;
}

/**
 * Whether what stands behind the removed rows is known only once the flush has written: rows that it moves away, or adds.
 *
 * @internal
 */
export async function isSettledByFlush(
  em: EntityManager,
  uow: UnitOfWork,
  removals: readonly PhysicalRemoval[],
): Promise<boolean> {
  const changeSets = uow.getChangeSets();
  const written = changeSets.filter(({ type }) => type === ChangeSetType.CREATE || type === ChangeSetType.UPDATE);
  if (written.length === 0 || changeSets.some(({ type }) => type === ChangeSetType.DELETE_EARLY)) {
    return false;
  }
  for (const { meta } of removals) {
    if ((await cascadesOf(em, em.getTransactionContext(), meta)).length > 0) {
      return true;
    }
  }
  return false;
}

function isUnloadedRemoval(collection: Collection<object>, catalog: SoftDeleteCatalog): boolean {
  const { property, owner } = collection;
  return (
    property.kind === ReferenceKind.ONE_TO_MANY &&
    Boolean(property.orphanRemoval) &&
    collection.getSnapshot() === undefined &&
    helper(owner).__originalEntityData !== undefined &&
    !catalog.findMarked(property.targetMeta!)
  );
}

function behind(em: EntityManager, collection: Collection<object>): PhysicalRemoval {
  const { property, owner } = collection;
  const meta = property.targetMeta!;
  const kept = collection
    .getItems(false)
    .filter((item) => helper(item).hasPrimaryKey())
    .map((item) => Utils.primaryKeyToObject(meta, helper(item).getPrimaryKey()));
  const leaving = em
    .createQueryBuilder<object>(meta.class)
    .select(meta.primaryKeys as never)
    .where({
      [property.mappedBy]: helper(owner).getPrimaryKey(),
      ...(kept.length > 0 ? { $not: { $or: kept } } : {}),
    })
    .toQuery();
  const key = primaryColumns(meta.root).map((column) => `p.${em.getPlatform().quoteIdentifier(column)}`);
  return { meta, condition: { sql: `(${key.join(', ')}) in (${leaving.sql})`, params: leaving.params } };
}
