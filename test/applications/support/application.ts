import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What an application answers. */
export interface Answer {
  readonly status: number;
  readonly body: any;
}

/** One of the compiled applications, in a process of its own. */
export class Application {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk) => (this.output += chunk));
    child.stderr!.on('data', (chunk) => (this.output += chunk));
  }

  /**
   * @param main - its compiled main file, below the folder of the applications
   * @param env - what it is told: its databases
   */
  static async open(main: string, env: Record<string, string>): Promise<Application> {
    const folder = process.env['SOFT_DELETE_APPLICATIONS'];
    if (!folder) {
      throw new Error('No compiled applications: run the tests with `npm test`, which packs, installs and compiles.');
    }
    const application = new Application(
      spawn(process.execPath, [join(folder, main)], {
        cwd: folder,
        env: { PATH: process.env['PATH'], TZ: 'UTC', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    await application.untilListening();
    return application;
  }

  async request(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** Everything that it has printed, for a message. */
  get log(): string {
    return this.output;
  }

  async close(): Promise<void> {
    this.child.kill('SIGTERM');
    if (!this.hasEnded) {
      await once(this.child, 'exit', { signal: AbortSignal.timeout(20_000) });
    }
  }

  private get port(): string {
    return /^Listening on (\d+)$/m.exec(this.output)![1]!;
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async untilListening(): Promise<void> {
    const signal = AbortSignal.timeout(25_000);
    while (!/^Listening on \d+$/m.test(this.output)) {
      if (this.hasEnded || signal.aborted) {
        this.child.kill('SIGKILL');
        throw new Error(`The application did not start: ${this.output}`);
      }
      await Promise.race([once(this.child.stdout!, 'data', { signal }), once(this.child, 'exit', { signal })]).catch(
        () => undefined,
      );
    }
  }
}
