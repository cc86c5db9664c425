import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveRestoration } from '../../archive/restoration/archive-restoration.js';
import type { MissingParent } from '../../archive/restoration/missing-parent.js';
import type { OwnerLock } from '../../archive/restoration/lock-owners.js';
import { rowKeyOf } from '../../archive/snapshot/row-key-of.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import { takesAlong } from '../../metadata/relations/relation-policies.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { lockRows } from '../../sql/lock-rows.js';
import { identify, keyConditionSql, type RowSet } from '../../sql/row-set.js';
import { unitsOf } from './complete-units.js';

/**
 * Adds the deleted and archived parents of what comes back, and theirs, or reports them, and finds what else keeps archived rows from
 * coming back.
 *
 * @internal
 */
export async function planArchivedParents(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  archive: ArchiveRestoration,
  rows: RowSet,
  withParents: boolean,
): Promise<RestoreConflict[]> {
  let isStuck = false;
  for (;;) {
    const mismatches = await archive.match();
    if (mismatches.length > 0) {
      // Their values cannot be read as those of the table, so that nothing more can be said.
      return mismatches;
    }
    const missing = await missingParents(archive, rows, withParents ? 'no key update' : 'share');
    const orphans = await findOrphans(em, ctx, catalog, archive, rows);
    const found = missing.filter(({ softDeleted, archivedIn }) => softDeleted ?? archivedIn);
    if (!withParents || isStuck || (found.length === 0 && orphans.length === 0)) {
      const conflicts = [
        ...missing.map((one) => describe(em, archive, one)),
        ...orphans.map(({ conflict }) => conflict),
      ];
      return [...conflicts, ...(await archive.takenValues())];
    }
    let added = 0;
    for (const { parent, parentKey, archivedIn, softDeleted } of found) {
      if (softDeleted) {
        const among = keyConditionSql(em, softDeleted.meta, 'c', [rowKeyOf(softDeleted.meta, parentKey!)]);
        const locked = await lockRows(em, ctx, softDeleted.meta, { keys: among, condition: among });
        added += (await rows.add(softDeleted.meta, locked)).length;
      } else {
        added += await archive.addParent(parent!, parentKey!, archivedIn!);
      }
    }
    for (const { parent, key, unit } of orphans) {
      added += await archive.addParent(parent, key, unit);
    }
    // Someone else has taken the parent from the archive meanwhile.
    isStuck = added === 0;
  }
}

/** Parents that are restored as well are not missing. */
async function missingParents(archive: ArchiveRestoration, rows: RowSet, lock: OwnerLock): Promise<MissingParent[]> {
  const missing = await archive.missingParents(lock);
  return missing.filter(
    ({ softDeleted, parentKey }) =>
      !softDeleted || parentKey === undefined || !rows.has(softDeleted.meta, rowKeyOf(softDeleted.meta, parentKey)),
  );
}

interface Orphan {
  readonly parent: EntityMetadata;
  readonly key: string;
  readonly unit: string;
  readonly conflict: RestoreConflict;
}

/** Soft-deleted rows that an archived one took along, which is not restored with them. */
async function findOrphans(
  em: EntityManager,
  ctx: Transaction,
  catalog: SoftDeleteCatalog,
  archive: ArchiveRestoration,
  rows: RowSet,
): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const root of rows.entities()) {
    const edges = catalog.graph.edges.filter(
      (edge) => takesAlong(edge) && edge.child.root === root && catalog.findArchived(edge.parent),
    );
    if (edges.length === 0) {
      continue;
    }
    const members = await unitsOf(em, ctx, catalog.get(root), rows.keys(root), identify);
    for (const { part, key, unit, links } of await archive.ownersOf(root, members)) {
      const parent = archive.snapshots.metaOf(part);
      const id = links?.find(
        (link) => link.entity === root.className && members.some(({ name }) => name === link.id),
      )?.id;
      const edge = edges.find((candidate) => candidate.parent.root === parent?.root);
      if (parent && id && edge) {
        orphans.push({
          parent,
          key,
          unit,
          conflict: {
            reason: 'parent-deleted',
            entity: root.className,
            key: keyFromTexts(em, root, rowKeyOf(root, id)),
            constraint: edge.name,
            conflictingKey: archive.keyOf(part, key),
          },
        });
      }
    }
  }
  return orphans;
}

function describe(em: EntityManager, archive: ArchiveRestoration, missing: MissingParent): RestoreConflict {
  const { part, key, relation, parent, parentKey } = missing;
  return {
    reason: parentKey === undefined ? 'parent-missing' : 'parent-deleted',
    entity: part,
    key: archive.keyOf(part, key),
    constraint: relation,
    ...(parent && parentKey !== undefined
      ? { conflictingKey: keyFromTexts(em, parent, rowKeyOf(parent, parentKey)) }
      : {}),
  };
}
