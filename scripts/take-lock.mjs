// One process at a time: a file with its id, which whoever finds it waits for as long as the process lives.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** @returns what gives the lock back */
export async function takeLock(file) {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    if (isLeftOver(file)) {
      rmSync(file, { force: true });
    }
    await setTimeout(100);
  }
}

/** Whether the process that has written the file is gone. One that has only just created it has not written it yet. */
function isLeftOver(file) {
  try {
    const id = Number(readFileSync(file, 'utf8'));
    if (id > 0) {
      process.kill(id, 0);
    }
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
