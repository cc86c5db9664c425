import { setImmediate } from 'node:timers/promises';
import type { TestDatabase } from './database.js';

/** Resolves once a number of sessions of the database wait for a lock, or as soon as `done` does, which then did not wait. */
export async function untilBlocked(database: TestDatabase, done: Promise<unknown>, sessions = 1): Promise<void> {
  const state = { isDone: false };
  const settle = () => (state.isDone = true);
  done.then(settle, settle);
  while (!state.isDone) {
    const [row] = await database.query(
      `select count(distinct pid)::int as waiting from pg_locks where not granted
       and pid in (select pid from pg_stat_activity where datname = current_database())`,
    );
    if (row!['waiting'] >= sessions) {
      return;
    }
    await setImmediate();
  }
}
