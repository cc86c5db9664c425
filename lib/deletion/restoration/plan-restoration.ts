import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ArchiveRestoration } from '../../archive/restoration/archive-restoration.js';
import { withReadableText } from '../../archive/snapshot/with-exact-text.js';
import type { AskedSnapshots } from '../../archive/reading/asked-snapshots.js';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { sameUnitSql } from '../../sql/deleted-at-sql.js';
import { filterSql } from '../../sql/filter-sql.js';
import { getInstallation } from '../../installation/installation.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { entityKeys } from '../../sql/entity-key.js';
import { completeUnits } from './complete-units.js';
import { type DeletedParent, findDeletedParents } from './find-deleted-parents.js';
import { findUniqueConflicts } from './find-unique-conflicts.js';
import { lockAlong, type LockedRows } from '../lock-along.js';
import { planArchivedParents } from './plan-archived-parents.js';
import { RowSet } from '../../sql/row-set.js';
import type { RowSelection } from '../../sql/select-rows.js';

/** What a restoration brings back, and what stands in its way. @internal */
export interface RestorationPlan {
  readonly rows: RowSet;
  /** What comes back from the archive; nothing where no entity is archived. */
  readonly archive: ArchiveRestoration | undefined;
  readonly conflicts: readonly RestoreConflict[];
}

/** What a restoration was asked for: deleted rows of a table, or rows of the archive. @internal */
export type AskedRows = RowSelection | AskedSnapshots;

/** What was asked for, locked. @internal */
export interface LockedAsked {
  readonly locked: LockedRows;
  readonly archive: ArchiveRestoration | undefined;
}

/**
 * Locks the deleted rows that match, and of those in their tables what is behind them. A condition means what it means in the caller's
 * session.
 *
 * @internal
 */
export async function lockAsked(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: AskedRows,
): Promise<LockedAsked> {
  const { catalog } = getInstallation(em);
  const archive = catalog.allArchived().length > 0 ? new ArchiveRestoration(em, ctx) : undefined;
  if (!('resolve' in asked)) {
    return { locked: await collectUnit(em, ctx, catalog, meta, asked), archive };
  }
  await (asked.isByKey ? archive!.ask(asked) : withReadableText(em, ctx, () => archive!.ask(asked)));
  return { locked: { rows: new RowSet(), behind: () => 0 }, archive };
}

/**
 * Locks everything of the units of rows below them and, if asked, their deleted parents, and finds out what stands in the way of their
 * restoration. Where deleted parents do not, and nothing comes back from the archive, unique values that are taken are left to the
 * statement that activates the rows.
 *
 * @internal
 */
export async function planRestoration(
  em: EntityManager,
  ctx: Transaction,
  { locked, archive }: LockedAsked,
  withParents: boolean,
): Promise<RestorationPlan> {
  const { catalog } = getInstallation(em);
  const { rows } = locked;
  const conflicts: RestoreConflict[] = [];
  if (archive) {
    const collect = async (root: EntityMetadata, selection: RowSelection) =>
      (await collectUnit(em, ctx, catalog, root, selection)).rows;
    await completeUnits(em, ctx, catalog, archive, rows, collect);
  }
  for (;;) {
    const archived = archive ? await planArchivedParents(em, ctx, catalog, archive, rows, withParents) : [];
    const { conflicts: deleted, isGrown } = await completeWithParents(em, ctx, catalog, locked, withParents);
    // An archived row may own a parent that was added.
    if (!archive || !isGrown || archived.length > 0) {
      conflicts.push(...archived, ...deleted);
      break;
    }
  }
  if (conflicts.length > 0 || (archive && archive.snapshots.parts().length > 0)) {
    conflicts.push(...(await findUniqueConflicts(em, ctx, catalog, rows)));
  }
  return { rows, archive, conflicts };
}

/** The rows that match and, level by level, the rows behind them that carry the same time. */
function collectUnit(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  asked: RowSelection,
): Promise<LockedRows> {
  return lockAlong(em, ctx, catalog.graph, meta, asked, (edge, front) => {
    const child = catalog.find(edge.child);
    return child && [filterSql(sameUnitSql(em, child, catalog.get(front)))];
  });
}

/** Adds the deleted parents of the rows, and theirs, or reports them. */
async function completeWithParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  locked: LockedRows,
  withParents: boolean,
): Promise<{ conflicts: RestoreConflict[]; isGrown: boolean }> {
  for (let isGrown = false; ; isGrown = true) {
    const missing = await findDeletedParents(em, ctx, catalog, locked, withParents ? 'no key update' : 'share');
    if (!withParents || missing.length === 0) {
      return { conflicts: await describeMissing(em, ctx, missing), isGrown };
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
