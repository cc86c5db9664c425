import { type Collection, helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { rowConditionsSql } from '../../sql/row-condition-sql.js';
import { cascadesOf, type PhysicalRemoval } from '../refuse-physical-cascade.js';

/**
 * The pivot rows that the driver deletes where it settles many-to-many collections (`syncCollections` in `AbstractSqlDriver.js`), as
 * far as keys with `on delete cascade` lead from them to soft-deletable rows. No change set tells of them.
 *
 * @param collections - with the snapshots that the driver is going to compare them with
 * @internal
 */
export async function removedLinks(
  em: EntityManager,
  ctx: Transaction | undefined,
  collections: readonly Collection<object>[],
  catalog: SoftDeleteCatalog,
): Promise<PhysicalRemoval[]> {
  const removals: PhysicalRemoval[] = [];
  for (const collection of collections) {
    const { property, owner } = collection;
    const pivot =
      property.kind === ReferenceKind.MANY_TO_MANY ? em.getMetadata().find(property.pivotEntity as never) : undefined;
    if (!pivot || catalog.allMarked().length === 0 || (await cascadesOf(em, ctx, pivot)).length === 0) {
      continue;
    }
    const leaving = leavingItems(collection);
    for (const { edge } of catalog.graph.candidatesOf(metadataOf(em, owner as object), property)) {
      const items = leaving?.filter((item) => metadataOf(em, item).root === edge.child.root);
      if (!items || items.length > 0) {
        removals.push({ meta: pivot, condition: linksOf(em, owner as object, edge, items) });
      }
    }
  }
  return removals;
}

/** `undefined`: whatever the owner is linked to. */
function leavingItems(collection: Collection<object>): object[] | undefined {
  const { property } = collection;
  const snapshot = collection.getSnapshot() as object[] | undefined;
  const keys = (items: readonly object[]) => items.map((item) => helper(item).getSerializedPrimaryKey());
  const current = keys(collection.getItems(false));
  const staying = snapshot?.filter((item) => current.includes(helper(item).getSerializedPrimaryKey()));
  // One with a fixed order is written anew unless what is new stands at its end.
  const isReordered =
    property.owner && property.fixedOrder && !Utils.equals(keys(staying ?? []), current.slice(0, staying?.length));
  return isReordered ? snapshot : snapshot?.filter((item) => !staying!.includes(item));
}

function linksOf(
  em: EntityManager,
  owner: object,
  { link, linkConditions }: GraphRelation,
  items: readonly object[] | undefined,
): PhysicalRemoval['condition'] {
  if (link.kind !== 'pivot') {
    return { sql: 'false', params: [] };
  }
  const column = (name: string) => `p.${em.getPlatform().quoteIdentifier(name)}`;
  const key = (entity: object) => Utils.flatten(helper(entity).getPrimaryKeys(true) as unknown[][]);
  const same = (columns: readonly string[]) => columns.map((name) => `${column(name)} = ?`).join(' and ');
  const ofSide = rowConditionsSql(em, link.table, 'p', linkConditions);
  const linked = items?.map(() => `(${same(link.childColumns)})`).join(' or ');
  return {
    sql: [same(link.parentColumns), ofSide.sql, ...(linked === undefined ? [] : [`(${linked})`])].join(' and '),
    params: [...key(owner), ...ofSide.params, ...(items ?? []).flatMap(key)],
  };
}
