#!/usr/bin/env node
import { runCli } from './run-cli.js';

async function main(): Promise<void> {
  // Whoever reads the output may have seen enough (`| head -1`): what was begun is carried out all the same.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      throw error;
    }
  });
  process.exitCode = await runCli(process.argv.slice(2));
}

void main();
