import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import { relationSql } from '../../sql/relation-sql.js';
import type { LockedRows } from '../lock-along.js';
import { inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from '../../sql/row-set.js';
import { execute } from '../../sql/transaction.js';

/** A deleted row that owns a row of the set and is not in it. @internal */
export interface DeletedParent {
  readonly edge: GraphRelation;
  readonly key: RowKey;
  readonly parent: RowKey;
}

/**
 * The deleted rows that own, through a `cascade` relation, rows of a set which they are not in themselves. Active owners are
 * locked as well and looked at once the locks are held: one that is being deleted must not miss what is restored behind it.
 *
 * One statement, or several where the rows are many. None where each row was found behind its owner.
 *
 * @param lock - FOR SHARE lets other restorations pass; owners that are going to be restored need a lock that is theirs alone
 * @internal
 */
export async function findDeletedParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  { rows, behind }: LockedRows,
  lock: 'share' | 'no key update',
): Promise<DeletedParent[]> {
  const edges = catalog.graph.edges.filter(
    // Rows that the row itself points at, or that it shares in a many-to-many relation, do not own it.
    (edge) =>
      takesAlong(edge) &&
      edge.link.kind === 'child-key' &&
      catalog.find(edge.parent) &&
      // A row has one owner by each key: where it was found behind that one, the owner is in the set.
      behind(edge) < rows.count(edge.child),
  );
  const isFew = edges.reduce((sum, edge) => sum + rows.count(edge.child), 0) <= AT_ONCE;
  if (isFew) {
    const owned = edges.map((edge) => ({ edge, keys: rows.keys(edge.child) }));
    return owned.length > 0 ? findOwners(em, ctx, catalog, rows, owned, lock) : [];
  }
  const found: DeletedParent[] = [];
  for (const edge of edges) {
    await inChunks(rows.each(edge.child), async (keys) => {
      const owners = await findOwners(em, ctx, catalog, rows, [{ edge, keys }], lock);
      owners.forEach((owner) => found.push(owner));
    });
  }
  return found;
}

/** How many rows one statement asks about. */
const AT_ONCE = 50_000;

async function findOwners(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
  owned: readonly { readonly edge: GraphRelation; readonly keys: readonly RowKey[] }[],
  lock: 'share' | 'no key update',
): Promise<DeletedParent[]> {
  const params: unknown[] = [];
  const locked = owned.map(({ edge, keys }, i) => {
    const relation = relationSql(em, edge);
    const condition = keyConditionSql(em, edge.child, 'c', keys);
    const deletedAt = em.getPlatform().quoteIdentifier(catalog.get(edge.parent).column);
    params.push(...condition.params, ...relation.params);
    return (
      `"soft-delete:owners${i}" as materialized (select ${keySql(em, edge.child, 'c')}, ${keySql(em, edge.parent, 'p', 'parent')}, ` +
      `p.${deletedAt} is not null as deleted from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[condition.sql, ...relation.conditions].join(' and ')} for ${lock} of p)`
    );
  });
  const deleted = owned.map(
    (_, i) => `select ${i} as position, "key", "parent" from "soft-delete:owners${i}" where deleted`,
  );
  const owners = await execute<{ position: number; key: string[]; parent: string[] }>(
    em,
    ctx,
    `with ${locked.join(', ')} ${deleted.join(' union all ')} order by position, "key"`,
    params,
  );
  return owners
    .map(({ position, key, parent }) => ({ edge: owned[position]!.edge, key, parent }))
    .filter(({ edge, parent }) => !rows.has(edge.parent, parent));
}
