import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ArchiveUnit } from '../archive/removal/archive-unit.js';
import { getInstallation } from '../installation/installation.js';
import type { ArchivedEntityMetadata } from '../metadata/archived-entity.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { lockRows } from '../sql/lock-rows.js';
import { inChunks, keyConditionSql } from '../sql/row-set.js';
import type { RowSelection } from '../sql/select-rows.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { type Affected, cascadeDeletion } from './cascade-deletion.js';
import { deleteSelected } from './delete-selected.js';

/** One deletion: rows that are marked in their tables, and rows that leave theirs for the archive. @internal */
export interface DeletedUnit {
  readonly soft: Affected;
  /** Nothing where no entity is archived. */
  readonly archive: ArchiveUnit | undefined;
}

/** Puts the rows that are asked for, and everything their deletion cascades to, into a unit. @internal */
export async function deleteUnit(
  em: EntityManager,
  ctx: Transaction,
  entry: SoftDeletableEntityMetadata | ArchivedEntityMetadata,
  asked: RowSelection,
  unit: UnitTime,
): Promise<DeletedUnit> {
  const archive = archiveUnit(em, ctx, unit);
  if (archive && !('column' in entry)) {
    await archive.add(entry.meta, await lockRows(em, ctx, entry.meta, asked));
    return { soft: await growUnit(em, ctx, unit, archive, []), archive };
  }
  const soft: Affected = new Map();
  const selected = entry as SoftDeletableEntityMetadata;
  const count = await deleteSelected(em, ctx, selected, asked, unit);
  if (count > 0) {
    soft.set(selected, count);
    addAffected(soft, await growUnit(em, ctx, unit, archive, [selected]));
  }
  return { soft, archive };
}

/** What a unit archives, if the ORM has entities whose rows are. @internal */
export function archiveUnit(em: EntityManager, ctx: Transaction, unit: UnitTime): ArchiveUnit | undefined {
  return getInstallation(em).catalog.allArchived().length > 0 ? new ArchiveUnit(em, ctx, unit) : undefined;
}

/**
 * Extends a unit to everything that its deletion cascades to, back and forth between the rows that stay in their tables and those
 * that leave.
 *
 * @param start - the entities that already have soft-deleted rows in the unit
 * @returns the soft-deleted rows added, per entity
 * @internal
 */
export async function growUnit(
  em: EntityManager,
  ctx: Transaction,
  unit: UnitTime,
  archive: ArchiveUnit | undefined,
  start: Iterable<SoftDeletableEntityMetadata>,
): Promise<Affected> {
  const { catalog } = getInstallation(em);
  const affected: Affected = new Map();
  let fresh = new Set(start);
  do {
    const cascaded = await cascadeDeletion(em, ctx, catalog, unit, fresh);
    addAffected(affected, cascaded);
    const reached = new Set([...fresh, ...cascaded.keys()]);
    fresh = new Set();
    for (const [entry, keys] of (await archive?.grow(reached)) ?? []) {
      await inChunks(keys, async (chunk) => {
        const condition = keyConditionSql(em, entry.meta, 'c', chunk);
        const count = await deleteSelected(em, ctx, entry, { keys: condition, condition }, unit);
        if (count > 0) {
          addAffected(affected, new Map([[entry, count]]));
          fresh.add(entry);
        }
      });
    }
  } while (fresh.size > 0);
  return affected;
}

/** @internal */
export function addAffected(affected: Affected, more: Affected): void {
  more.forEach((count, entry) => affected.set(entry, (affected.get(entry) ?? 0) + count));
}
