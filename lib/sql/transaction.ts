import { TransactionEventBroadcaster } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getInstallation } from '../installation/installation.js';

/**
 * Runs a piece of work in the transaction of the entity manager, inside a savepoint so that its failure leaves the
 * transaction usable, or in one of its own. Everything it does in the database is undone if it throws.
 *
 * @internal
 */
export function inTransaction<Result>(em: EntityManager, work: (ctx: Transaction) => Promise<Result>): Promise<Result> {
  const ctx = em.getTransactionContext<Transaction>();
  const { transactions } = getInstallation(em);
  const claimed = (own: Transaction) => {
    transactions.claim(own);
    return work(own);
  };
  return transactions.inTurn(ctx, () =>
    em.getConnection('write').transactional(claimed, {
      ctx,
      // Row level security is there from MikroORM 7.2 on.
      sessionContext: em.getTransactionSessionContext?.(),
      eventBroadcaster: new TransactionEventBroadcaster(em),
    }),
  );
}

/** What a preview's transaction is left by. It never leaves this file. */
class PreviewIsOver extends Error {}

/**
 * Runs a piece of work in the same way and undoes everything it did in the database, the locks it took included, though it
 * succeeds.
 *
 * @internal
 */
export async function inPreview<Result>(
  em: EntityManager,
  work: (ctx: Transaction) => Promise<Result>,
): Promise<Result> {
  const over = new PreviewIsOver();
  let result: Result | undefined;
  try {
    await inTransaction(em, async (ctx) => {
      result = await work(ctx);
      throw over;
    });
  } catch (error) {
    if (error !== over) {
      throw error;
    }
  }
  return result as Result;
}

/**
 * Runs one statement on the connection of a transaction. `?` stands for a value, as everywhere in the ORM, but not inside of quotes: tables
 * that the ORM does not map may have one in a name.
 *
 * @internal
 */
export async function execute<Row extends object = Record<string, unknown>>(
  em: EntityManager,
  ctx: Transaction,
  sql: string,
  params: readonly unknown[] = [],
): Promise<Row[]> {
  return em
    .getDriver()
    .execute<Row[]>(escapeQuoted(sql, params), [...params], 'all', ctx, em.getLoggerContext())
    .catch(refuseRules);
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
    .execute<{ affectedRows: number }>(escapeQuoted(sql, params), [...params], 'run', ctx, em.getLoggerContext())
    .catch(refuseRules);
  return affectedRows;
}

/** Without values the ORM takes a statement as it is (`formatQuery()` in its `Platform.js`). SQL of the user may quote in other ways. */
function escapeQuoted(sql: string, params: readonly unknown[]): string {
  if (params.length === 0) {
    return sql;
  }
  const escaped = sql.replaceAll(/"[^"]*"|'[^']*'/g, (quoted) => quoted.replaceAll(/(?<!\\)\?/g, String.raw`\?`));
  return escaped.match(/(?<!\\)\?\??/g)?.length === params.length ? escaped : sql;
}

/** PostgreSQL rewrites no statement by a rule if the statement tells what it has done. The error comes from where rules are applied. */
function refuseRules(error: unknown): never {
  const { code, file, message } = error as { code?: string; file?: string; message?: string };
  if (code !== '0A000' || file !== 'rewriteHandler.c') {
    throw error;
  }
  const refusal = new SoftDeleteConfigError(
    'The table',
    `PostgreSQL says: ${message}.`,
    'Turn rules on UPDATE and DELETE of soft-deletable tables into triggers.',
  );
  refusal.cause = error;
  throw refusal;
}
