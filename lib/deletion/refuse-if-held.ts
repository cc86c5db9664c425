import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { LegalHoldError } from '../errors/legal-hold.error.js';
import { getInstallation } from '../installation/installation.js';
import { type ActiveHold, LOCK_FOR_REMOVAL_SQL, readActiveHolds, readHeldRows } from '../sql/held-rows.js';
import type { RowSet } from '../sql/row-set.js';
import { execute } from '../sql/transaction.js';

/** A hold that covers rows which are about to be removed. @internal */
export interface HoldInTheWay {
  readonly hold: ActiveHold;
  /** How many of the rows it covers, by entity. */
  readonly held: Readonly<Record<string, number>>;
}

/**
 * The holds that cover rows which are about to be removed. None can be placed before the transaction ends. Costs two statements where
 * holds may be placed, and more where some are.
 *
 * @internal
 */
export async function findHolds(em: EntityManager, ctx: Transaction, rows: RowSet): Promise<HoldInTheWay[]> {
  const { holds: tables } = getInstallation(em);
  if (!tables || rows.entities().length === 0) {
    return [];
  }
  await execute(em, ctx, `select ${LOCK_FOR_REMOVAL_SQL}`);
  const found: HoldInTheWay[] = [];
  for (const hold of await readActiveHolds(em, ctx, tables)) {
    const covered = await readHeldRows(em, ctx, tables, [hold]);
    const counts = rows
      .entities()
      .map((root) => [root.className, covered.keys(root).filter((key) => rows.has(root, key)).length] as const)
      .filter(([, count]) => count > 0);
    if (counts.length > 0) {
      found.push({ hold, held: Object.fromEntries(counts) });
    }
  }
  return found;
}

/**
 * @throws LegalHoldError if a hold covers one of the rows
 * @internal
 */
export async function refuseIfHeld(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<void> {
  const found = await findHolds(em, ctx, rows);
  if (found.length > 0) {
    const held: Record<string, number> = {};
    for (const [name, count] of found.flatMap((each) => Object.entries(each.held))) {
      held[name] = Math.max(held[name] ?? 0, count);
    }
    throw new LegalHoldError(
      meta.className,
      found.map(({ hold }) => hold),
      held,
    );
  }
}
