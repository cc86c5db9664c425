import { TransactionEventBroadcaster } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { getInstallation } from '../installation/installation.js';

/**
 * Runs a piece of work in the transaction of the entity manager, inside a savepoint so that its failure leaves the
 * transaction usable, or in one of its own. Everything it does in the database is undone if it throws.
 *
 * @internal
 */
export function inTransaction<Result>(em: EntityManager, work: (ctx: Transaction) => Promise<Result>): Promise<Result> {
  const ctx = em.getTransactionContext<Transaction>();
  return getInstallation(em).transactions.inTurn(ctx, () =>
    em.getConnection('write').transactional(work, {
      ctx,
      // Row level security is there from MikroORM 7.2 on.
      sessionContext: em.getTransactionSessionContext?.(),
      eventBroadcaster: new TransactionEventBroadcaster(em),
    }),
  );
}

/** Runs one statement on the connection of a transaction. `?` stands for a value, as everywhere in the ORM. @internal */
export async function execute<Row extends object = Record<string, unknown>>(
  em: EntityManager,
  ctx: Transaction,
  sql: string,
  params: readonly unknown[] = [],
): Promise<Row[]> {
  return em.getDriver().execute<Row[]>(sql, [...params], 'all', ctx, em.getLoggerContext());
}

/** The same for a statement that only changes rows: how many it changed. @internal */
export async function executeCounting(
  em: EntityManager,
  ctx: Transaction,
  sql: string,
  params: readonly unknown[] = [],
): Promise<number> {
  const { affectedRows } = await em
    .getDriver()
    .execute<{ affectedRows: number }>(sql, [...params], 'run', ctx, em.getLoggerContext());
  return affectedRows;
}
