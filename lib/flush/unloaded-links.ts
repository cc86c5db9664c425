import { type Collection, helper, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../deletion/transaction.js';
import { activePredicateSql } from '../metadata/active-predicate.js';
import { primaryColumns } from '../metadata/relation-graph.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../metadata/table-name.js';

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
  collection: Collection<any>,
  catalog: SoftDeleteCatalog,
): Promise<Collection<any>> {
  const { kind, targetMeta, polymorphic } = collection.property;
  const entry = targetMeta && catalog.find(targetMeta);
  if (kind !== ReferenceKind.MANY_TO_MANY || polymorphic || !entry || collection.getSnapshot() !== undefined) {
    return collection;
  }
  // The root manager, which the driver's hook has, is nobody's context.
  const owning = (helper(collection.owner as object).__em ?? em) as EntityManager;
  const linked = await findLinked(owning, ctx, collection, entry);
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

/** Those of deleted rows only if the collection names them: such a link is there already. */
async function findLinked(
  em: EntityManager,
  ctx: Transaction | undefined,
  collection: Collection<any>,
  entry: SoftDeletableEntityMetadata,
): Promise<object[]> {
  const { property, owner } = collection;
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const target = property.targetMeta!;
  const keys = primaryColumns(target.root);
  const pivot = tableName(em, em.getMetadata().get(property.pivotEntity as never));
  const same = keys.map((key, i) => `t.${quote(key)} = p.${quote(property.inverseJoinColumns[i]!)}`);
  const owned = property.joinColumns.map((column) => `p.${quote(column)} = ?`);
  const rows = await execute<Record<string, any>>(
    em,
    ctx as Transaction,
    `select ${keys.map((key, i) => `t.${quote(key)} as "k${i}"`).join(', ')}, ` +
      `${activePredicateSql(`t.${quote(entry.column)}`)} as active ` +
      `from ${pivot} as p join ${tableName(em, entry.meta)} as t on ${same.join(' and ')} where ${owned.join(' and ')}`,
    helper(owner).getPrimaryKeys(true)!.flat(),
  );
  const named = new Set(collection.getItems(false).map((item) => helper(item).getSerializedPrimaryKey()));
  return rows.flatMap(({ active, ...row }) => {
    const linked = em.getEntityFactory().createReference<any>(target.class, Object.values(row) as never, {
      merge: false,
      convertCustomTypes: true,
    });
    return active || named.has(helper(linked).getSerializedPrimaryKey()) ? [linked] : [];
  });
}
