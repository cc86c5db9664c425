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
  const linked = await findLinked(em, ctx, collection, entry);
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

async function findLinked(
  em: EntityManager,
  ctx: Transaction | undefined,
  { property, owner }: Collection<any>,
  entry: SoftDeletableEntityMetadata,
): Promise<object[]> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const target = property.targetMeta!;
  const keys = primaryColumns(target.root);
  const pivot = tableName(em, em.getMetadata().get(property.pivotEntity as never));
  const rows = await execute<Record<string, any>>(
    em,
    ctx as Transaction,
    `select ${keys.map((key) => `t.${quote(key)}`).join(', ')} from ${pivot} as p ` +
      `join ${tableName(em, entry.meta)} as t on ${keys.map((key, i) => `t.${quote(key)} = p.${quote(property.inverseJoinColumns[i]!)}`).join(' and ')} ` +
      `where ${property.joinColumns.map((column) => `p.${quote(column)} = ?`).join(' and ')} and ${activePredicateSql(`t.${quote(entry.column)}`)}`,
    helper(owner).getPrimaryKeys(true)!.flat(),
  );
  return rows.map((row) =>
    em.getEntityFactory().createReference<any>(target.class, keys.map((key) => row[key]) as never, {
      merge: false,
      convertCustomTypes: true,
    }),
  );
}
