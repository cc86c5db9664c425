import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { ArchiveUnit } from '../archive/archive-unit.js';
import { keyOfText } from '../archive/key-of-text.js';
import { DeletionRestrictedError } from '../errors/deletion-restricted.error.js';
import { getInstallation } from '../installation/installation.js';
import type { UnitTime } from '../sql/take-unit-time.js';

/** Of how many rows of an entity an event names the keys. */
const NAMED = 1_000;

/** How many rows leave their table, per entity name. @internal */
export type ArchivedCounts = readonly (readonly [name: string, count: number])[];

/** @internal */
export function countsOf(archive: ArchiveUnit | undefined): ArchivedCounts {
  return archive?.counts().map(([root, count]) => [root.className, count] as const) ?? [];
}

/**
 * Moves to the archive what a unit takes out of its tables, and tells memory and the events.
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
  { unit, actor, reason }: { unit: UnitTime; actor: string | undefined; reason: string | undefined },
): Promise<ArchivedCounts> {
  if (!archive || archive.isEmpty) {
    return [];
  }
  const { transactions } = getInstallation(em);
  const restrictions = await archive.remove({ actor, reason });
  if (restrictions.length > 0) {
    throw new DeletionRestrictedError(asked, restrictions);
  }
  transactions.undoOnRollback(ctx, await archive.forget());
  for (const [root, count] of archive.counts()) {
    transactions.emitAfterCommit(ctx, {
      type: 'archived',
      entity: root.className,
      count,
      ...(count <= NAMED ? { keys: archive.keys(root).map((key) => keyOfText(em, root, key)) } : {}),
      deletedAt: unit.date,
      ...(actor === undefined ? {} : { actor }),
      ...(reason === undefined ? {} : { reason }),
    });
  }
  return countsOf(archive);
}
