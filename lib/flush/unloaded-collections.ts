import { type Collection, type EntityProperty, helper, QueryHelper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { deleteSelected } from '../deletion/delete-selected.js';
import { selectRows } from '../sql/select-rows.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { activePredicate } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/**
 * Whether the ORM would settle the collection by one statement over rows that it has not seen: `set()` or `removeAll()` of a
 * one-to-many collection that was never loaded has no snapshot to compare with, so everything else behind the owner is deleted
 * (with orphan removal) or loses its foreign key, rows that are deleted already included (`syncCollections` in
 * `AbstractSqlDriver.js`).
 *
 * @internal
 */
export function isUnloadedReplacement(collection: Collection<any>, catalog: SoftDeleteCatalog): boolean {
  const { property } = collection;
  return (
    property.kind === ReferenceKind.ONE_TO_MANY &&
    collection.getSnapshot() === undefined &&
    catalog.find(property.targetMeta!) !== undefined
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
  collection: Collection<any>,
  entry: SoftDeletableEntityMetadata,
  takeUnit: () => Promise<UnitTime>,
): Promise<number> {
  const { property, owner } = collection;
  const target = property.targetMeta!;
  const kept = collection.getItems(false).map((item) => Utils.primaryKeyToObject(target, helper(item).getPrimaryKey()));
  const { targetKey } = target.properties[property.mappedBy] as EntityProperty;
  const behind = {
    [property.mappedBy]: helper(owner).getTargetKeyValue(targetKey),
    ...(kept.length > 0 ? { $not: { $or: kept } } : {}),
  };
  // The rest of what is behind the key was never in the collection.
  const leaving = property.where ? { $and: [behind, property.where] } : behind;
  if (property.orphanRemoval) {
    const asked = await selectRows(em, target, leaving, { scope: 'active', filters: false });
    return deleteSelected(em, ctx, entry, asked, await takeUnit());
  }
  await em
    .getDriver()
    .createQueryBuilder<any>(target.class, ctx, 'write')
    .update({ [property.mappedBy]: null })
    .where(
      // The driver's query builder takes values as they are sent to the database.
      QueryHelper.processWhere<any>({
        where: { $and: [leaving, activePredicate(entry.property)] },
        entityName: target.class,
        metadata: em.getMetadata(),
        platform: em.getPlatform(),
      }),
    )
    .execute();
  return 0;
}
