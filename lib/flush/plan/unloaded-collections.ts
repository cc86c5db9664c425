import { type Collection, type EntityProperty, helper, QueryHelper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../../options/any-of-the-orm.js';
import { deleteSelected } from '../../deletion/delete-selected.js';
import { type RowSelection, selectRows } from '../../sql/select-rows.js';
import type { UnitTime } from '../../sql/take-unit-time.js';
import { activePredicate } from '../../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * Whether the ORM would settle the collection by one statement over rows that it has not seen: `set()` or `removeAll()` of a
 * one-to-many collection that was never loaded has no snapshot to compare with, so everything else behind the owner is deleted
 * (with orphan removal) or loses its foreign key, rows that are deleted already included (`syncCollections` in
 * `AbstractSqlDriver.js`).
 *
 * @internal
 */
export function isUnloadedReplacement(collection: Collection<object>, catalog: SoftDeleteCatalog): boolean {
  const { property } = collection;
  const target = property.targetMeta!;
  return (
    property.kind === ReferenceKind.ONE_TO_MANY &&
    collection.getSnapshot() === undefined &&
    // Without orphan removal no archived row leaves its table.
    (catalog.find(target) !== undefined ||
      (property.orphanRemoval === true && catalog.findArchived(target) !== undefined))
  );
}

/**
 * Settles such a collection among the active rows alone: what is no longer in it joins the unit, or loses its foreign key if
 * the relation has no orphan removal.
 *
 * @returns how many rows joined the unit
 * @internal
 */
export async function replaceUnloaded(
  em: EntityManager,
  ctx: Transaction,
  collection: Collection<object>,
  entry: SoftDeletableEntityMetadata,
  takeUnit: () => Promise<UnitTime>,
): Promise<number> {
  const { property } = collection;
  const target = property.targetMeta!;
  if (property.orphanRemoval) {
    return deleteSelected(em, ctx, entry, await selectLeaving(em, collection), await takeUnit());
  }
  const leaving = leavingRows(collection);
  await em
    .getDriver()
    .createQueryBuilder<object>(target.class, ctx, 'write')
    .update({ [property.mappedBy]: null })
    .where(
      // The driver's query builder takes values as they are sent to the database.
      QueryHelper.processWhere<object>({
        where: { $and: [leaving, activePredicate(entry.property)] },
        entityName: target.class,
        metadata: em.getMetadata(),
        platform: em.getPlatform(),
      }),
    )
    .execute();
  return 0;
}

/** The rows that are no longer in such a collection. @internal */
export function selectLeaving(em: EntityManager, collection: Collection<object>): Promise<RowSelection> {
  return selectRows(em, collection.property.targetMeta!, leavingRows(collection), { scope: 'active', filters: false });
}

function leavingRows(collection: Collection<object>): AnyCondition {
  const { property, owner } = collection;
  const target = property.targetMeta!;
  const kept = collection.getItems(false).map((item) => Utils.primaryKeyToObject(target, helper(item).getPrimaryKey()));
  const { targetKey } = target.properties[property.mappedBy] as EntityProperty;
  const behind = {
    [property.mappedBy]: helper(owner).getTargetKeyValue(targetKey),
    ...(kept.length > 0 ? { $not: { $or: kept } } : {}),
  };
  // The rest of what is behind the key was never in the collection.
  return property.where ? { $and: [behind, property.where] } : behind;
}
