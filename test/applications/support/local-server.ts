import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../scripts/postgres/free-port.mjs';

/** A server program of the operating system, started for a test. */
export class LocalServer {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  /**
   * @param program - its name, and those that would do as well
   * @param args - what it is started with to listen on a port of this machine
   * @param prepare - what has to be there before
   */
  static async start(
    programs: readonly string[],
    args: (port: number) => readonly string[],
    prepare: (port: number) => Promise<void> = async () => undefined,
  ): Promise<LocalServer> {
    const port = await freePort();
    await prepare(port);
    for (const program of programs) {
      const child = spawn(program, args(port), { stdio: 'ignore' });
      const isThere = await once(child, 'spawn').then(
        () => true,
        () => false,
      );
      if (isThere) {
        await untilListening(port, child);
        return new LocalServer(port, child);
      }
    }
    throw new Error(
      `There is no ${programs.join(' or ')} on this machine: bash scripts/install-servers.sh installs it.`,
    );
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) {
      break;
    }
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) {
      return;
    }
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`${child.spawnfile} does not listen.`);
}
