import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TestDatabase } from '../../support/database.js';

interface Session {
  state: 'running' | 'waiting' | 'finished';
  proceed: () => void;
}

/**
 * Lets several sessions of one ORM take turns, statement by statement, in an order that is chosen from outside. A session that waits
 * for a lock of another one is passed over until it has it.
 */
export class Scheduler {
  readonly #session = new AsyncLocalStorage<Session>();

  constructor(
    em: EntityManager,
    private readonly database: TestDatabase,
  ) {
    const connection = em.getConnection('write');
    const execute = connection.execute.bind(connection) as (...args: any[]) => Promise<any>;
    (connection as { execute: typeof execute }).execute = async (...args) => {
      await this.step();
      return execute(...args);
    };
  }

  /** Where a session stops until it is chosen: before each of its statements, and wherever else it says so. */
  async step(): Promise<void> {
    const session = this.#session.getStore();
    if (session) {
      session.state = 'waiting';
      await new Promise<void>((resolve) => (session.proceed = resolve));
    }
  }

  /** @param choose - picks one of so many sessions that could go on */
  async run(sessions: readonly (() => Promise<void>)[], choose: (count: number) => number): Promise<void> {
    const all = sessions.map(() => ({ state: 'running', proceed: () => undefined }) as Session);
    const done = sessions.map((work, i) =>
      this.#session
        .run(all[i]!, async () => {
          await this.step();
          await work();
        })
        .finally(() => (all[i]!.state = 'finished')),
    );
    while (all.some(({ state }) => state !== 'finished')) {
      await this.#untilQuiet(all);
      const waiting = all.filter(({ state }) => state === 'waiting');
      if (waiting.length > 0) {
        const chosen = waiting[choose(waiting.length)]!;
        chosen.state = 'running';
        chosen.proceed();
      }
    }
    await Promise.all(done);
  }

  async #untilQuiet(all: readonly Session[]): Promise<void> {
    for (;;) {
      await setImmediate();
      const running = all.filter(({ state }) => state === 'running');
      if (running.length === 0) {
        return;
      }
      const [row] = await this.database.query(
        `select count(distinct pid)::int as blocked from pg_locks where not granted
         and pid in (select pid from pg_stat_activity where datname = current_database())`,
      );
      if (running.every(({ state }) => state === 'running') && row!['blocked'] >= running.length) {
        return;
      }
    }
  }
}
