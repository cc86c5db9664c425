import type { EntityManager } from '@mikro-orm/postgresql';
import { getInstallation } from '../../../installation/installation.js';
import type { ErasureLedgerEntry, ErasureOptions } from '../../../options/erasure-options.js';
import { execute, inTransaction } from '../../../sql/transaction.js';
import { tenantOf } from '../../managers-of-tenants.js';
import { erasureTable, readErasures, type StoredErasure } from '../erasure-store.js';

/** What comes before the options of the ORM's configuration. @internal */
export function erasureOptions(em: EntityManager, overrides: ErasureOptions): ErasureOptions {
  return { ...getInstallation(em).erasure, ...overrides };
}

/**
 * Tells the ledger of an erasure that it has not been told of. Several instances tell it once. What the ledger throws is nobody's failure:
 * the erasure is done, and stays owed.
 *
 * @internal
 */
export async function tellLedger(em: EntityManager, id: number, { ledger }: ErasureOptions): Promise<void> {
  if (!ledger) {
    return;
  }
  await inTransaction(em, async (ctx) => {
    const [owed] = await execute<{ id: number }>(
      em,
      ctx,
      `select e."id" from ${erasureTable(em)} as e where e."id" = ? and e."ledger" = 'owed' for update skip locked`,
      [id],
    );
    const [stored] = owed ? await readErasures(em, ctx, 'e."id" = ?', [id]) : [];
    if (stored && (await isTold(ledger, entryOf(em, stored)))) {
      await execute(em, ctx, `update ${erasureTable(em)} set "ledger" = 'told' where "id" = ?`, [id]);
    }
  });
}

/** @internal */
export function entryOf(em: EntityManager, stored: StoredErasure): ErasureLedgerEntry {
  return {
    id: stored.id,
    ...tenantOf(em),
    entity: stored.entity,
    key: stored.key,
    requestedAt: stored.requestedAt.toISOString(),
    erasedAt: stored.finishedAt!.toISOString(),
    fingerprint: stored.fingerprint!,
  };
}

async function isTold(ledger: NonNullable<ErasureOptions['ledger']>, entry: ErasureLedgerEntry): Promise<boolean> {
  try {
    await ledger(entry);
    return true;
  } catch {
    return false;
  }
}
