import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveDirectly } from '../archive/removal/archive-directly.js';
import type { ArchiveUnit } from '../archive/removal/archive-unit.js';
import { keyFromTexts } from '../sql/key-from-texts.js';
import { MOST_KEYS } from '../events/most-keys.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionContext } from '../events/deletion-context.js';
import { getInstallation } from '../installation/installation.js';
import type { ArchivedEntityMetadata } from '../metadata/archived-entity.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import type { RowSelection } from '../sql/select-rows.js';
import type { UnitTime } from '../sql/take-unit-time.js';

/** How many rows leave their table, per entity name. @internal */
export type ArchivedCounts = readonly (readonly [name: string, count: number])[];

/** @internal */
export function countsOf(archive: ArchiveUnit | undefined): ArchivedCounts {
  return archive?.counts().map(([root, count]) => [root.className, count] as const) ?? [];
}

/**
 * Moves to the archive what a unit takes out of its tables, and tells memory, the records and the events.
 *
 * @param asked - the entity that the deletion was asked for
 * @throws DeletionRestrictedError if something that stays points at one of the rows
 * @internal
 */
export async function archiveRows(
  em: EntityManager,
  ctx: Transaction,
  asked: string,
  archive: ArchiveUnit | undefined,
  unit: UnitTime,
  context: DeletionContext,
): Promise<ArchivedCounts> {
  if (!archive || archive.isEmpty) {
    return [];
  }
  const { transactions, operations } = getInstallation(em);
  const restrictions = await archive.remove(context);
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(asked, restrictions);
  }
  transactions.undoOnRollback(ctx, await archive.forget());
  const parts = archive.counts().map(([meta, count]) => {
    const keys = archive.keys(meta);
    return {
      meta,
      count,
      ...(operations.isAttended ? { rows: keys.map((key) => ({ key, unit: unit.text })) } : {}),
      ...(count <= MOST_KEYS ? { keys: keys.map((key) => keyFromTexts(em, meta, key)) } : {}),
    };
  });
  await operations.complete({ action: 'archived', ...context, unit, parts }, { em, ctx });
  return countsOf(archive);
}

/**
 * Moves the rows that a deletion is asked for to the archive, if they can go by themselves, and tells memory, the records and the events.
 *
 * @returns nothing if they cannot, and nothing was done
 * @internal
 */
export async function archiveAlone(
  em: EntityManager,
  ctx: Transaction,
  { name, meta, ...entry }: SoftDeletableEntityMetadata | ArchivedEntityMetadata,
  asked: RowSelection,
  unit: UnitTime,
  context: DeletionContext,
): Promise<ArchivedCounts | undefined> {
  if ('column' in entry) {
    return undefined;
  }
  const { catalog, transactions, operations } = getInstallation(em);
  const archived = await archiveDirectly(em, ctx, catalog, meta, asked, unit, context, MOST_KEYS);
  if (!archived) {
    return undefined;
  }
  const { count, keys, keysSql, undo } = archived;
  transactions.undoOnRollback(ctx, undo);
  const rows = keys
    ? { rows: keys.map((key) => ({ key, unit: unit.text })), keys: keys.map((key) => keyFromTexts(em, meta, key)) }
    : { keysSql };
  await operations.complete({ action: 'archived', ...context, unit, parts: [{ meta, count, ...rows }] }, { em, ctx });
  return [[name, count]];
}
