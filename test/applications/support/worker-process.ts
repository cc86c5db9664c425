import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A process of its own that works off a queue, or a command. */
export class WorkerProcess {
  private output = '';
  private readonly exited: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk) => (this.output += chunk));
    child.stderr!.on('data', (chunk) => (this.output += chunk));
    this.exited = once(child, 'exit');
  }

  /** @param file - below the folder of the compiled applications, and where it is to run */
  static start(file: string, args: readonly string[], env: Record<string, string>): WorkerProcess {
    const folder = process.env['SOFT_DELETE_APPLICATIONS'];
    if (!folder) {
      throw new Error('No compiled applications: run the tests with `npm test`, which packs, installs and compiles.');
    }
    return new WorkerProcess(
      spawn(process.execPath, [join(folder, file), ...args], {
        cwd: folder,
        env: { PATH: process.env['PATH'], TZ: 'UTC', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** Everything that it has printed. */
  get log(): string {
    return this.output;
  }

  /** Whether it has printed a line. */
  has(line: string): boolean {
    return this.output.split('\n').includes(line);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends it, and returns the code that it ends with, or the signal. */
  async end(signal?: NodeJS.Signals): Promise<number | string | null> {
    if (signal && !this.hasEnded) {
      this.child.kill(signal);
    }
    if (!this.hasEnded) {
      await this.exited;
    }
    return this.child.signalCode ?? this.child.exitCode;
  }
}
