import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { getInstallation } from '../../../installation/installation.js';
import { LOCK_FOR_REMOVAL_SQL, readActiveHolds, readHeldRows } from '../../../sql/held-rows.js';
import { RowSet } from '../../../sql/row-set.js';
import { execute } from '../../../sql/transaction.js';
import { type ArchivedRows, archivedHeldRows } from '../../hold/archived-held-rows.js';
import { isArchiveUsed } from './is-archive-used.js';
import type { PersonalRows } from './personal-rows.js';

/** Everything that is held, whoever it belongs to. @internal */
export interface HeldRows {
  readonly inTables: RowSet;
  /** A set for each hold. */
  readonly inArchive: readonly ArchivedRows[];
}

/**
 * Marks the rows that active holds cover. None can be placed before the transaction ends.
 *
 * @internal
 */
export async function findHeld(em: EntityManager, ctx: Transaction, rows: PersonalRows): Promise<HeldRows> {
  const inTables = new RowSet();
  const inArchive: ArchivedRows[] = [];
  const { holds: tables } = getInstallation(em);
  if (!tables) {
    return { inTables, inArchive };
  }
  await execute(em, ctx, `select ${LOCK_FOR_REMOVAL_SQL}`);
  const holds = await readActiveHolds(em, ctx, tables);
  const isUsed = holds.length > 0 && (await isArchiveUsed(em, ctx));
  for (const hold of holds) {
    const held = await readHeldRows(em, ctx, tables, [hold]);
    for (const root of held.entities()) {
      await inTables.add(root, held.each(root));
    }
    const archived = isUsed ? await archivedHeldRows(em, ctx, held) : undefined;
    inArchive.push(...(archived ? [archived] : []));
    rows
      .all()
      .filter(({ root, key, unit }) => held.has(root, key) || (unit !== null && archived?.has(root, key, unit)))
      .forEach((row) => row.hold(hold.name));
  }
  return { inTables, inArchive };
}
