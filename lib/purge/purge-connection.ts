import { setTimeout as sleep } from 'node:timers/promises';
import { IsolationLevel } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { classifyFailure } from './classify-failure.js';
import { type BatchSettings, configureBatch, type RowCounters } from './statements/configure-batch.js';
import type { QuoteValue } from './statements/path-sql.js';
import { readTransactionStatus } from './statements/read-transaction-status.js';
import type { StopSignal } from './stop-signal.js';

/** One batch's transaction. @internal */
export interface BatchTransaction {
  /** An entity manager of the transaction's own, for hooks. */
  readonly em: EntityManager;
  /** What the counted tables' counters said when the transaction began. */
  readonly counters: RowCounters;
  execute<Row extends object>(sql: string): Promise<Row[]>;
}

/** A batch whose result carries the transaction's id, so that its fate can be asked for. @internal */
export interface BatchResult {
  readonly transaction: string;
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

  constructor(
    private readonly em: EntityManager,
    private readonly stop: StopSignal,
  ) {
    const platform = em.getPlatform();
    this.quote = (value) => platform.quoteValue(value);
  }

  /** Reads outside of a transaction; tries again if the connection breaks. */
  async read<Row extends object>(sql: string): Promise<Row[]> {
    return this.#reconnecting(() => this.stop.race(this.em.getConnection('write').execute<Row[]>(sql, [], 'all')));
  }

  /**
   * Runs one batch. It waits for a connection of the pool as everybody else, but not longer than the run may last.
   *
   * @throws StoppedError if the run was stopped before the batch began
   */
  async transaction<Result extends BatchResult>(
    settings: BatchSettings,
    work: (transaction: BatchTransaction) => Promise<Result>,
  ): Promise<Result> {
    return this.#reconnecting(async () => {
      const results: Result[] = [];
      try {
        return await this.#attempt(settings, async (transaction) => {
          const result = await work(transaction);
          results.push(result);
          return result;
        });
      } catch (error) {
        const [result] = results;
        if (result && classifyFailure(error) === 'connection' && (await this.#wasCommitted(result.transaction))) {
          return result;
        }
        throw error;
      }
    });
  }

  #attempt<Result>(settings: BatchSettings, work: (transaction: BatchTransaction) => Promise<Result>): Promise<Result> {
    let isUnderWay = false;
    let isGivenUp = false;
    const attempt = this.em.fork({ clear: true }).transactional(
      async (em) => {
        if (isGivenUp) {
          throw this.stop.error();
        }
        isUnderWay = true;
        const execute = <Row extends object>(sql: string) =>
          em.getConnection('write').execute<Row[]>(sql, [], 'all', em.getTransactionContext());
        const [row] = await execute<{ counters: RowCounters }>(configureBatch(settings, this.quote));
        return work({ em, counters: row!.counters, execute });
      },
      { isolationLevel: IsolationLevel.READ_COMMITTED },
    );
    return this.stop.race(attempt, () => {
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
