import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const script = new URL('../../../scripts/take-lock.mjs', import.meta.url).href;

/** Takes the lock so many times, with a file that says so, and writes down whether another one's file was there. */
const TAKER = `
  import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  import { takeLock } from ${JSON.stringify(script)};
  const [folder, times, hold, file] = process.argv.slice(1);
  const held = folder + '/' + file;
  for (let i = 0; i < Number(times); i++) {
    const release = await takeLock(folder + '/lock');
    let isAlone = true;
    try {
      writeFileSync(held, '', { flag: 'wx' });
    } catch {
      isAlone = false;
    }
    appendFileSync(folder + '/log', isAlone ? 'alone\\n' : 'together\\n');
    await setTimeout(Number(hold));
    rmSync(held, { force: true });
    release();
  }
`;

describe('takeLock()', () => {
  let folder: string;
  let children: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-lock-'));
    children = [];
  });

  afterEach(() => {
    children.forEach((child) => child.kill('SIGKILL'));
    rmSync(folder, { recursive: true, force: true });
  });

  const take = (times: number, hold: number, file = 'held'): ChildProcess => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', TAKER, folder, String(times), String(hold), file],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    children.push(child);
    return child;
  };

  /** Its exit code, and what it has printed. */
  const end = async (child: ChildProcess): Promise<string> => {
    let errors = '';
    child.stderr!.on('data', (chunk) => (errors += chunk));
    const [code] = await once(child, 'close');
    return `${code}${errors}`;
  };

  const log = (): string[] => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');

  it('lets in one process at a time, and prints no warning', async () => {
    expect(await Promise.all([1, 2, 3, 4].map(() => end(take(5, 5))))).toEqual(['0', '0', '0', '0']);
    expect(log()).toEqual(Array(20).fill('alone'));
  });

  it('lets in the next one after a process was killed, and no second one', async () => {
    for (let round = 0; round < 3; round++) {
      const file = `held-${round}`;
      const killed = take(1, 60_000, file);
      const isKilled = once(killed, 'close');
      while (!existsSync(join(folder, file))) {
        await setTimeout(20);
      }
      const waiting = [1, 2, 3, 4].map(() => end(take(1, 50)));
      await setTimeout(500);
      killed.kill('SIGKILL');
      await isKilled;
      expect(await Promise.all(waiting)).toEqual(['0', '0', '0', '0']);
    }
    expect(log()).toEqual(Array(15).fill('alone'));
  });

  it('says what is wrong with a file that is not its own, instead of waiting', async () => {
    writeFileSync(join(folder, 'lock'), 'not a lock\n'.repeat(100));
    expect(await end(take(1, 0))).toMatch(/^1.*not a database/s);
  });
});
