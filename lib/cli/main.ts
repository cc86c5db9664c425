#!/usr/bin/env node
import { EXIT_CODE } from './exit-code.js';
import { runCli } from './run-cli.js';

async function main(): Promise<void> {
  // Whoever reads the output may have seen enough (`| head -1`): what was begun is carried out all the same.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      throw error;
    }
  });
  // Nothing has gone well until it is said to: a process also ends once there is nothing left to wait for.
  process.exitCode = EXIT_CODE.error;
  process.exitCode = await runCli(process.argv.slice(2));
}

void main();
