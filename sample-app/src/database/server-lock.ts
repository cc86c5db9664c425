import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';

/** The port in `postmaster.pid`, if the process that wrote it is alive and ready. */
export function runningPort(folder: string): number | undefined {
  const lock = readLock(folder);
  return lock?.ready && isAlive(lock.pid) ? lock.port : undefined;
}

/** What the server says about itself in `postmaster.pid`. */
export function readLock(folder: string): { pid: number; port: number; ready: boolean } | undefined {
  try {
    const lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // After a restart of the machine or the container, another program may have the number; and a container may keep the number
  // of a process that has ended.
  try {
    const [, program, state] = /\((.*)\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
    return program === 'postgres' && !/[ZX]/.test(state!);
  } catch {
    return platform() !== 'linux';
  }
}

/** Removes the lock of a server that is gone. PostgreSQL does so itself, unless another process has its number. */
export async function removeStaleLock(folder: string): Promise<void> {
  const lock = readLock(folder);
  if (lock && !isAlive(lock.pid)) {
    await rm(join(folder, 'postmaster.pid'), { force: true });
  }
}
