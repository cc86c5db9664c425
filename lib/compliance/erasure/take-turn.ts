import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';

/** The first key of the advisory locks that erasures take. It spells "eras" in ASCII. */
const LOCK = 1701994867;

/**
 * Waits for erasures under way, and lets none begin before the transaction ends. Two persons have rows in common, such as messages, which
 * two erasures at once would lock in different orders.
 *
 * @internal
 */
export async function takeTurn(em: EntityManager, ctx: Transaction): Promise<void> {
  await execute(em, ctx, `select pg_advisory_xact_lock(${LOCK}, 0)`);
}

/**
 * Waits for whoever asks for the erasure of the same person, and lets nobody else ask before the transaction ends: of two requests, one
 * could be withdrawn and the other carried out.
 *
 * @internal
 */
export async function takeTurnOf(em: EntityManager, ctx: Transaction, person: string): Promise<void> {
  await execute(em, ctx, `select pg_advisory_xact_lock(${LOCK}, hashtext(?))`, [person]);
}
