import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveUnit } from '../archive/removal/archive-unit.js';
import { keyFromTexts } from '../sql/key-from-texts.js';
import { NAMED_ROWS } from '../archive/restoration/restored-parts.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import type { DeletionContext } from '../events/deletion-context.js';
import { getInstallation } from '../installation/installation.js';
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
      ...(count <= NAMED_ROWS ? { keys: keys.map((key) => keyFromTexts(em, meta, key)) } : {}),
    };
  });
  await operations.complete({ action: 'archived', ...context, unit, parts }, { em, ctx });
  return countsOf(archive);
}
