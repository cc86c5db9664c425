// One process at a time. SQLite holds the lock, because the system takes its locks from a process that ends, however it ends: no file
// with an id is left over, about which two waiters could both decide that nobody holds it.
import { setTimeout } from 'node:timers/promises';

const BUSY = 5;

/**
 * Waits for as long as somebody else holds the lock.
 *
 * @param file - empty, and never removed: whoever waits for a removed file would not wait for the one that follows it
 * @returns what gives the lock back
 */
export async function takeLock(file) {
  const { DatabaseSync } = await importQuietly();
  const database = new DatabaseSync(file);
  for (;;) {
    try {
      database.exec('begin exclusive');
      return () => database.close();
    } catch (error) {
      if (error.errcode !== BUSY) {
        database.close();
        throw error;
      }
    }
    await setTimeout(100);
  }
}

/** Node 22 warns that the module is experimental, which is no news for somebody who starts the sample app. */
async function importQuietly() {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => String(warning).startsWith('SQLite') || emitWarning(warning, ...rest);
  try {
    return await import('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
