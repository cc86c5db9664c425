import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventType, type Platform, TransactionContext, TransactionEventBroadcaster } from '@mikro-orm/core';
import type { EntityManager, Kysely, Transaction } from '@mikro-orm/postgresql';
import type { Operation, OperationPlace } from '../../events/operation.js';
import { findInstallation } from '../../installation/installation.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import { classifyFailure } from './classify-failure.js';
import { type BatchSettings, batchSettings } from '../fragments/batch-settings.js';
import { cancelReading } from '../statements/cancel-reading.js';
import { configureTransaction, type Settings, shorterTimeoutSql } from '../fragments/configure-transaction.js';
import { openBatch, type OpenedRow, type RowCounters } from '../statements/open-batch.js';
import { LOCK_FOR_REMOVAL_SQL } from '../../sql/held-rows.js';
import { HoldsChangedError } from './holds-changed.error.js';
import type { QuoteValue } from '../../sql/quote-value.js';
import { readTransactionStatus } from './read-transaction-status.js';
import { sessionSettings } from './session-settings.js';
import type { StopSignal } from '../run/stop-signal.js';
import { WorkClock } from './work-clock.js';

/** One batch's transaction. @internal */
export interface BatchTransaction {
  /** For hooks, and only where the batch has some: the entity manager of the transaction. */
  readonly em: EntityManager;
  /** What the counted tables' counters said when the transaction began. */
  readonly counters: RowCounters;
  execute<Row extends object>(sql: string): Promise<Row[]>;
  /** Runs a statement that only changes rows. Returns how many. */
  change(sql: string): Promise<number>;
  /** Says what the batch has done, before it commits. */
  notify(operation: Operation): Promise<void>;
}

/** What a run knows of legal holds. @internal */
export interface ExpectedHolds {
  /** SQL whose value changes with every hold. */
  readonly sql: string;
  readonly version: string;
}

/** How far a transaction has come. */
interface Attempt<Result> {
  id: string | undefined;
  /** One, once everything but the commit is done. */
  readonly results: Result[];
}

/** In milliseconds: counting takes seconds where a lot is due. */
const READING_TIMEOUT = 300_000;
/** How long an aborted run waits for its statement to end, in milliseconds. */
const LONGEST_CANCELLATION = 1_000;
/** For a statement that does no more than lock some rows, in milliseconds. */
const LOCKING_TIMEOUT = 10_000;
const PAUSES_BEFORE_RECONNECTING = [50, 200, 500, 1_000, 2_000];

/**
 * The database as a purge sees it: readings of one statement, and short transactions, one at a time. A connection that breaks is
 * replaced; whether the transaction it broke in was committed is asked of the database.
 *
 * @internal
 */
export class PurgeConnection {
  readonly platform: Platform;
  readonly quote: QuoteValue;
  /** How long the database has worked for this connection. */
  readonly clock = new WorkClock();

  #holds: ExpectedHolds | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly stop: StopSignal,
  ) {
    this.platform = em.getPlatform();
    this.quote = (value) => this.platform.quoteValue(value);
  }

  /** Has every batch refused that finds other holds than these. */
  expectHolds(holds: ExpectedHolds): void {
    this.#holds = holds;
  }

  /**
   * Reads in one statement, which is cancelled if the run has to end; tries again if the connection breaks.
   *
   * @param settings - the database's settings for this statement
   * @param timeout - how many milliseconds a statement with settings may take, unless the session's own timeout is shorter
   */
  async read<Row extends object>(sql: string, settings?: Settings, timeout = READING_TIMEOUT): Promise<Row[]> {
    return this.#reconnecting(async () => {
      const name = `soft-delete ${randomUUID()}`;
      const reading = this.#startReading<Row>(`/* ${name} */ ${sql}`, settings, timeout);
      try {
        return await this.stop.race(reading);
      } catch (error) {
        if (!this.stop.reason) {
          throw error;
        }
        // Nobody waits for it any more. With a pool of one connection there is none left to say so.
        const cancelled = this.#execute(cancelReading(name, this.quote), 'all').then(() => reading);
        await Promise.race([cancelled, sleep(LONGEST_CANCELLATION)]).catch(() => undefined);
        throw this.stop.error();
      }
    });
  }

  /**
   * Takes locks in one statement that waits for nobody, and lets go of them at once.
   *
   * @returns what the statement returns
   */
  async lock<Row extends object>(sql: string): Promise<Row[]> {
    return this.#reconnecting(() =>
      this.#lend((client) => {
        const settings = { ...sessionSettings(this.em), ...BY_KEY, statement_timeout: `${LOCKING_TIMEOUT}ms` };
        return this.#transact(client, 'begin', settings, (ctx) => this.#execute<Row[]>(sql, 'all', ctx));
      }),
    );
  }

  #startReading<Row extends object>(sql: string, settings: Settings | undefined, timeout: number): Promise<Row[]> {
    if (!settings) {
      return this.#execute<Row[]>(sql, 'all');
    }
    return this.#lend((client) => {
      this.stop.throwIfStopped();
      const further = [shorterTimeoutSql(Math.min(timeout, this.stop.remaining))];
      const read = (ctx: Transaction) => this.#execute<Row[]>(sql, 'all', ctx);
      return this.#transact(client, 'begin read only', settings, read, further);
    });
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
      const attempt: Attempt<Result> = { id: undefined, results: [] };
      try {
        return await this.#attempt(settings, work, attempt);
      } catch (error) {
        const isInDoubt = classifyFailure(error) === 'connection' && attempt.results.length > 0;
        if (isInDoubt && attempt.id && (await this.#wasCommitted(attempt.id))) {
          return attempt.results[0]!;
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
    const run = async (ctx: Transaction, em: EntityManager): Promise<Result> => {
      const execute = <Row extends object>(sql: string) => this.#execute<Row[]>(sql, 'all', ctx);
      const change = async (sql: string) =>
        (await this.#execute<{ affectedRows: number }>(sql, 'run', ctx)).affectedRows;
      const [row] = await execute<OpenedRow>(openBatch(settings.counted, this.#holds?.sql));
      if (this.#holds && row!.holds !== this.#holds.version) {
        throw new HoldsChangedError();
      }
      attempt.id = row!.transaction ?? undefined;
      const notify = (operation: Operation) => this.#notify(operation, { em, ctx });
      const result = await work({ em, counters: row!.counters, execute, change, notify });
      attempt.results.push(result);
      return result;
    };
    const all = { ...sessionSettings(this.em), ...batchSettings(settings, this.#holds !== undefined) };
    const batch = this.#lend((client) => {
      if (isGivenUp) {
        throw this.stop.error();
      }
      isUnderWay = true;
      return settings.hasHooks
        ? this.#transactWithEntityManager(client, all, run)
        : this.#transact(client, 'begin isolation level read committed', all, (ctx) => run(ctx, this.em), this.#locks);
    });
    return this.stop.race(batch, () => {
      isGivenUp = !isUnderWay;
      return isGivenUp;
    });
  }

  /**
   * Runs something on a connection of the pool, which gets it back in any case. A transaction of the ORM alone does not see to that: one
   * that cannot be rolled back, because its connection broke, keeps it (Kysely releases a controlled transaction after the
   * rollback only), and after a few of those the pool is empty for the whole application.
   */
  #lend<Result>(work: (client: Kysely<unknown>) => Promise<Result>): Promise<Result> {
    const asked = performance.now();
    return this.em
      .getConnection('write')
      .getClient()
      .connection()
      .execute((client) => {
        this.clock.waited(performance.now() - asked);
        return work(client);
      });
  }

  /** With an entity manager for hooks, and the events that the ORM's own transactions have. */
  async #transactWithEntityManager<Result>(
    client: Kysely<unknown>,
    settings: Settings,
    work: (ctx: Transaction, em: EntityManager) => Promise<Result>,
  ): Promise<Result> {
    const em = this.em.fork();
    const connection = em.getConnection('write');
    const events = new TransactionEventBroadcaster(em, { topLevelTransaction: true });
    await events.dispatchEvent(EventType.beforeTransactionStart);
    const ctx = await client.startTransaction().setIsolationLevel('read committed').execute();
    em.setTransactionContext(ctx);
    return TransactionContext.create(em, async () => {
      try {
        await this.#execute(configureTransaction(settings, this.quote, this.#locks), 'run', ctx);
        await events.dispatchEvent(EventType.afterTransactionStart, ctx);
        const result = await work(ctx, em);
        await em.flush();
        await connection.commit(ctx, events);
        return result;
      } catch (error) {
        await connection.rollback(ctx, events).catch(() => undefined);
        throw error;
      }
    });
  }

  /** Without one, which costs half as much: it begins with its settings in one trip. */
  async #transact<Result>(
    client: Kysely<unknown>,
    begin: string,
    settings: Settings,
    work: (ctx: Transaction) => Promise<Result>,
    further: readonly string[] = [],
  ): Promise<Result> {
    try {
      await this.#execute(`${begin}; ${configureTransaction(settings, this.quote, further)}`, 'run', client);
      const result = await work(client);
      await this.#execute('commit', 'run', client);
      return result;
    } catch (error) {
      await this.#execute('rollback', 'run', client).catch(() => undefined);
      throw error;
    }
  }

  /** Lets no hold be placed while a batch runs. */
  get #locks(): readonly string[] {
    return this.#holds ? [LOCK_FOR_REMOVAL_SQL] : [];
  }

  async #execute<Answer extends object>(sql: string, method: 'all' | 'run', ctx?: Transaction): Promise<Answer> {
    const asked = performance.now();
    const answer = await this.em.getConnection('write').execute<Answer>(sql, [], method, ctx);
    this.clock.answered(performance.now() - asked);
    return answer;
  }

  async #notify(operation: Operation, place: OperationPlace): Promise<void> {
    const asked = performance.now();
    await findInstallation(this.em)?.operations.notify(operation, place);
    this.clock.answered(performance.now() - asked);
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
