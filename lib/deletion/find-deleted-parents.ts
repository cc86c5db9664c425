import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RelationEdge } from '../metadata/relation-graph.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { relationSql } from '../sql/relation-sql.js';
import { inChunks, keyConditionSql, keySql, type RowKey, type RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/** A deleted row that owns a row of the set and is not in it. @internal */
export interface DeletedParent {
  readonly edge: RelationEdge;
  readonly key: RowKey;
  readonly parent: RowKey;
}

/**
 * The deleted rows that own, through a `cascade` relation, rows of a set which they are not in themselves. Active owners are
 * locked as well and looked at once the locks are held: one that is being deleted must not miss what is restored behind it.
 *
 * @param lock - FOR SHARE lets other restorations pass; owners that are going to be restored need a lock that is theirs alone
 * @internal
 */
export async function findDeletedParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  rows: RowSet,
  lock: 'share' | 'no key update',
): Promise<DeletedParent[]> {
  const found: DeletedParent[] = [];
  for (const edge of catalog.graph.edges) {
    const parent = catalog.find(edge.parent);
    // Rows that the row itself points at, or that it shares in a many-to-many relation, do not own it.
    if (edge.policy !== 'cascade' || !parent || edge.link.kind !== 'child-key' || rows.count(edge.child) === 0) {
      continue;
    }
    const relation = relationSql(em, edge);
    await inChunks(rows.each(edge.child), async (chunk) => {
      const condition = keyConditionSql(em, edge.child, 'c', chunk);
      const owners = await execute<{ key: string[]; parent: string[] }>(
        em,
        ctx,
        `with "soft-delete:owners" as materialized (select ${keySql(em, edge.child, 'c')}, ${keySql(em, edge.parent, 'p', 'parent')}, ` +
          `p.${em.getPlatform().quoteIdentifier(parent.column)} is not null as deleted from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
          `where ${[condition.sql, ...relation.conditions].join(' and ')} for ${lock} of p) ` +
          'select "key", "parent" from "soft-delete:owners" where deleted order by "key"',
        [...condition.params, ...relation.params],
      );
      for (const owner of owners) {
        if (!rows.has(edge.parent, owner.parent)) {
          found.push({ edge, ...owner });
        }
      }
    });
  }
  return found;
}
