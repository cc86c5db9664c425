import { type Collection, helper, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';
import { activePredicateSql } from '../../metadata/active-predicate.js';
import { relationSql } from '../../sql/relation-sql.js';
import { rowConditionsSql } from '../../sql/row-condition-sql.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import type { GraphRelation } from '../../metadata/relations/graph-relation.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';

/**
 * A many-to-many collection that was replaced without being loaded, as if it had been: with the active rows it is linked to as
 * its snapshot. Without one, the ORM deletes every pivot row of the owner (`syncCollections` in `AbstractSqlDriver.js`), those
 * of deleted rows included, which nobody saw and which would be missing once the row is restored. Costs one SELECT. Any other
 * collection is given back as it is.
 *
 * @internal
 */
export async function withActiveSnapshot(
  em: EntityManager,
  ctx: Transaction | undefined,
  collection: Collection<object>,
  catalog: SoftDeleteCatalog,
): Promise<Collection<object>> {
  const { property, owner } = collection;
  if (property.kind !== ReferenceKind.MANY_TO_MANY || collection.getSnapshot() !== undefined) {
    return collection;
  }
  const edges = catalog.graph.candidatesOf(metadataOf(em, owner as object), property).map(({ edge }) => edge);
  if (!edges.some(({ child }) => catalog.find(child))) {
    return collection;
  }
  // The root manager, which the driver's hook has, is nobody's context.
  const owning = (helper(collection.owner as object).__em ?? em) as EntityManager;
  const linked = (await Promise.all(edges.map((edge) => findLinked(owning, ctx, collection, edge, catalog)))).flat();
  return new Proxy(collection, {
    get(target, name) {
      if (name === 'getSnapshot') {
        return () => linked;
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Those of deleted rows, and of rows that the relation does not contain, only if the collection names them: they are there already. */
async function findLinked(
  em: EntityManager,
  ctx: Transaction | undefined,
  collection: Collection<object>,
  edge: GraphRelation,
  catalog: SoftDeleteCatalog,
): Promise<object[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const { child, parent, members } = edge;
  const entry = catalog.find(child);
  const relation = relationSql(em, { ...edge, members: { parent: [], child: [] } });
  const member = rowConditionsSql(em, child.root, 'c', members.child);
  const owned = primaryColumns(parent.root).map((column) => `p.${quote(column)} = ?`);
  const rows = await execute<Record<string, unknown>>(
    em,
    ctx as Transaction,
    `select ${primaryColumns(child.root)
      .map((key, i) => `c.${quote(key)} as "k${i}"`)
      .join(', ')}, ` +
      `${entry ? activePredicateSql(`c.${quote(entry.column)}`) : 'true'} and ${member.sql} as shown ` +
      `from ${[`${relation.parent} as p`, `${relation.child} as c`, ...relation.between].join(', ')} ` +
      `where ${[...owned, ...relation.conditions].join(' and ')}`,
    [
      ...member.params,
      ...helper(collection.owner as object)
        .getPrimaryKeys(true)!
        .flat(),
      ...relation.params,
    ],
  );
  const named = new Set(
    collection
      .getItems(false)
      .filter((item) => metadataOf(em, item as object).root === child.root)
      .map((item) => helper(item).getSerializedPrimaryKey()),
  );
  return rows.flatMap(({ shown, ...row }) => {
    const linked = em.getEntityFactory().createReference<object>(child.class, Object.values(row) as never, {
      merge: false,
      convertCustomTypes: true,
    });
    return shown || named.has(helper(linked).getSerializedPrimaryKey()) ? [linked] : [];
  });
}
