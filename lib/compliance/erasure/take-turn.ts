import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';

/** The keys of the advisory lock that erasures take. The first one spells "eras" in ASCII. */
const LOCK = '1701994867, 0';

/**
 * Waits for erasures under way, and lets none begin before the transaction ends. Two persons have rows in common, such as messages, which
 * two erasures at once would lock in different orders.
 *
 * @internal
 */
export async function takeTurn(em: EntityManager, ctx: Transaction): Promise<void> {
  await execute(em, ctx, `select pg_advisory_xact_lock(${LOCK})`);
}
