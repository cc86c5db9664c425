import { setTimeout as sleep } from 'node:timers/promises';
import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { classifyFailure } from './classify-failure.js';
import {
  type BatchSettings,
  configureBatch,
  type ConfiguredRow,
  type RowCounters,
} from './statements/configure-batch.js';
import type { QuoteValue } from './statements/path-sql.js';
import { readTransactionStatus } from './statements/read-transaction-status.js';
import { PooledClients } from './pooled-clients.js';
import type { StopSignal } from './stop-signal.js';

/** One batch's transaction. @internal */
export interface BatchTransaction {
  /** For hooks, and only where the batch has some: the entity manager of the transaction. */
  readonly em: EntityManager;
  /** What the counted tables' counters said when the transaction began. */
  readonly counters: RowCounters;
  execute<Row extends object>(sql: string): Promise<Row[]>;
  /** Runs a statement that only changes rows. Returns how many. */
  change(sql: string): Promise<number>;
}

/** How far a transaction has come. */
interface Attempt<Result> {
  id: string | undefined;
  process: number | undefined;
  /** One, once everything but the commit is done. */
  readonly results: Result[];
}

const PAUSES_BEFORE_RECONNECTING = [50, 200, 500, 1_000, 2_000];

/**
 * The database as a purge sees it: reads outside of transactions, and short transactions, one at a time. A connection that breaks
 * is replaced; whether the transaction it broke in was committed is asked of the database.
 *
 * @internal
 */
export class PurgeConnection {
  readonly quote: QuoteValue;
  readonly #clients = new PooledClients();

  constructor(
    private readonly em: EntityManager,
    private readonly stop: StopSignal,
  ) {
    const platform = em.getPlatform();
    this.quote = (value) => platform.quoteValue(value);
  }

  /** Begins to look after the connections that break. */
  async open(): Promise<void> {
    await this.#clients.watch(this.em);
  }

  close(): void {
    this.#clients.unwatch();
  }

  /** Reads outside of a transaction; tries again if the connection breaks. */
  async read<Row extends object>(sql: string): Promise<Row[]> {
    return this.#reconnecting(() => this.stop.race(this.em.getConnection('write').execute<Row[]>(sql, [], 'all')));
  }

  /**
   * Reads rows in the order of an index, with the settings of a batch: by itself the planner may sort all of a table's due rows to
   * find the next few.
   */
  async readInOrder<Row extends object>(sql: string): Promise<Row[]> {
    const settings = { lockTimeout: 0, statementTimeout: 0, idleTimeout: 0, hasHooks: false, counted: [] };
    return this.transaction(settings, (transaction) => transaction.execute<Row>(sql));
  }

  /**
   * Runs one batch. It waits for a connection of the pool as everybody else, but not longer than the run may last.
   *
   * @throws StoppedError if the run was stopped before the batch began
   */
  async transaction<Result>(
    settings: BatchSettings,
    work: (transaction: BatchTransaction) => Promise<Result>,
  ): Promise<Result> {
    return this.#reconnecting(async () => {
      const attempt: Attempt<Result> = { id: undefined, process: undefined, results: [] };
      try {
        return await this.#attempt(settings, work, attempt);
      } catch (error) {
        if (classifyFailure(error) === 'connection') {
          if (attempt.process !== undefined) {
            this.#clients.discard(attempt.process, error as Error);
          }
          if (attempt.results.length > 0 && attempt.id && (await this.#wasCommitted(attempt.id))) {
            return attempt.results[0]!;
          }
        }
        throw error;
      }
    });
  }

  #attempt<Result>(
    settings: BatchSettings,
    work: (transaction: BatchTransaction) => Promise<Result>,
    attempt: Attempt<Result>,
  ): Promise<Result> {
    let isUnderWay = false;
    let isGivenUp = false;
    const connection = this.em.getConnection('write');
    const run = async (ctx: Transaction | undefined, em: EntityManager): Promise<Result> => {
      if (isGivenUp) {
        throw this.stop.error();
      }
      isUnderWay = true;
      const execute = <Row extends object>(sql: string) => connection.execute<Row[]>(sql, [], 'all', ctx);
      const change = async (sql: string) =>
        (await connection.execute<{ affectedRows: number }>(sql, [], 'run', ctx)).affectedRows;
      const [row] = await execute<ConfiguredRow>(configureBatch(settings, this.quote));
      attempt.id = row!.transaction ?? undefined;
      attempt.process = row!.process;
      const result = await work({ em, counters: row!.counters, execute, change });
      attempt.results.push(result);
      return result;
    };
    // Without hooks nobody sees an entity manager, and a transaction of the bare connection costs half.
    const isolationLevel = IsolationLevel.READ_COMMITTED;
    const batch = settings.hasHooks
      ? this.em.fork({ clear: true }).transactional((em) => run(em.getTransactionContext(), em), { isolationLevel })
      : connection.transactional((ctx) => run(ctx, this.em), {
          isolationLevel,
          sessionContext: this.em.getTransactionSessionContext?.(),
        });
    return this.stop.race(batch, () => {
      isGivenUp = !isUnderWay;
      return isGivenUp;
    });
  }

  async #reconnecting<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const pause = PAUSES_BEFORE_RECONNECTING[attempt];
        if (classifyFailure(error) !== 'connection' || pause === undefined) {
          throw error;
        }
        await sleep(pause);
        this.stop.throwIfStopped();
      }
    }
  }

  async #wasCommitted(transaction: string): Promise<boolean> {
    for (;;) {
      const [row] = await this.read<{ status: string | null }>(readTransactionStatus(transaction));
      if (row?.status !== 'in progress') {
        return row?.status === 'committed';
      }
      await sleep(20);
    }
  }
}
