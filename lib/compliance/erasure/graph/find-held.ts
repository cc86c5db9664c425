import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { getInstallation } from '../../../installation/installation.js';
import { LOCK_FOR_REMOVAL_SQL, readActiveHolds, readHeldRows } from '../../../sql/held-rows.js';
import { execute } from '../../../sql/transaction.js';
import type { PersonalRows } from './personal-rows.js';
import { RowSet } from '../../../sql/row-set.js';

/**
 * Marks the rows that active holds cover. None can be placed before the transaction ends.
 *
 * @returns everything that is held, whoever it belongs to
 * @internal
 */
export async function findHeld(em: EntityManager, ctx: Transaction, rows: PersonalRows): Promise<RowSet> {
  const all = new RowSet();
  const { holds: tables } = getInstallation(em);
  if (!tables) {
    return all;
  }
  await execute(em, ctx, `select ${LOCK_FOR_REMOVAL_SQL}`);
  for (const hold of await readActiveHolds(em, ctx, tables)) {
    const held = await readHeldRows(em, ctx, tables, [hold]);
    for (const root of held.entities()) {
      await all.add(root, held.each(root));
    }
    rows
      .all()
      .filter((row) => held.has(row.root, row.key))
      .forEach((row) => row.hold(hold.name));
  }
  return all;
}
