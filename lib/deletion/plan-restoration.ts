import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { RestoreConflict } from '../errors/restore-conflict.error.js';
import { filterSql } from '../sql/filter-sql.js';
import { getInstallation } from '../installation/installation.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { entityKeys } from '../sql/entity-key.js';
import { type DeletedParent, findDeletedParents } from './find-deleted-parents.js';
import { lockAlong, type LockedRows } from './lock-along.js';
import type { RowSet } from '../sql/row-set.js';
import type { RowSelection } from '../sql/select-rows.js';

/**
 * Locks the deleted rows that match, everything of their units below them and, if asked, their deleted parents, and finds out which
 * deleted parents stand in the way of their restoration.
 *
 * @internal
 */
export async function planRestoration(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: RowSelection,
  withParents: boolean,
): Promise<{ rows: RowSet; orphaned: RestoreConflict[] }> {
  const { catalog } = getInstallation(em);
  const locked = await collectUnit(em, ctx, catalog, meta, asked);
  const orphaned = await completeWithParents(em, ctx, catalog, locked, withParents);
  return { rows: locked.rows, orphaned };
}

/** The rows that match and, level by level, the rows behind them that carry the same time. */
function collectUnit(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  asked: RowSelection,
): Promise<LockedRows> {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return lockAlong(em, ctx, catalog.graph, meta, asked, (edge, front) => {
    const child = catalog.find(edge.child);
    return child && [filterSql(`c.${quote(child.column)} = p.${quote(catalog.get(front).column)}`)];
  });
}

/** Adds the deleted parents of the rows, and theirs, or reports them. */
async function completeWithParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  locked: LockedRows,
  withParents: boolean,
): Promise<RestoreConflict[]> {
  for (;;) {
    const missing = await findDeletedParents(em, ctx, catalog, locked, withParents ? 'no key update' : 'share');
    if (!withParents || missing.length === 0) {
      return describeMissing(em, ctx, missing);
    }
    for (const { edge, parent } of missing) {
      await locked.rows.add(edge.parent, [parent]);
    }
  }
}

async function describeMissing(
  em: EntityManager,
  ctx: Transaction,
  missing: readonly DeletedParent[],
): Promise<RestoreConflict[]> {
  const conflicts: RestoreConflict[] = [];
  for (const [edge, group] of Map.groupBy(missing, (parent) => parent.edge)) {
    const children = group.map(({ key }) => key);
    const parents = group.map(({ parent }) => parent);
    const childKey = await entityKeys(em, ctx, edge.child, children);
    const parentKey = await entityKeys(em, ctx, edge.parent, parents);
    for (const { key, parent } of group) {
      conflicts.push({
        reason: 'parent-deleted',
        entity: edge.child.className,
        key: childKey(key),
        constraint: edge.name,
        conflictingKey: parentKey(parent),
      });
    }
  }
  return conflicts;
}
