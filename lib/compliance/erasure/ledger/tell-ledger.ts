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

/** For how many milliseconds the ledger is waited for. */
const PATIENCE = 10_000;

/** After which time nobody counts on an answer any more: whoever waited for it may be gone. */
const GIVEN_UP = `interval '10 minutes'`;

/**
 * Tells the ledger of an erasure that it has not been told of. Several instances tell it once. What the ledger throws is nobody's failure:
 * the erasure is done, and stays owed. The ledger may take its time and use the ORM, so that no transaction waits for it; what a transaction
 * around the call may still undo, a later run tells.
 *
 * @returns whether to go on: a ledger that does not answer is asked no more, but may still do so
 * @internal
 */
export async function tellLedger(em: EntityManager, id: number, { ledger }: ErasureOptions): Promise<boolean> {
  if (!ledger || em.getTransactionContext()) {
    return true;
  }
  const table = erasureTable(em);
  const run = (sql: string, params: readonly unknown[]) =>
    inTransaction(em, (ctx) => execute<{ id: number }>(em, ctx, `update ${table} set ${sql}`, params));
  const [owed] = await run(
    `"ledger_asked_at" = clock_timestamp() where "id" = ? and "ledger" = 'owed' ` +
      `and coalesce("ledger_asked_at" < clock_timestamp() - ${GIVEN_UP}, true) returning "id"`,
    [id],
  );
  if (!owed) {
    return true;
  }
  const [stored] = await readErasures(em, undefined, 'e."id" = ?', [id]);
  const answer = isTold(ledger, entryOf(em, stored!)).then((told) =>
    run(`"ledger" = ?, "ledger_asked_at" = null where "id" = ? and "ledger" = 'owed'`, [told ? 'told' : 'owed', id]),
  );
  // Nobody may be there any more when it fails.
  answer.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), PATIENCE)));
  return Promise.race([answer.then(() => true), silence]).finally(() => clearTimeout(timer));
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
