// Runs Jest in ESM mode on the Node that the package brings, and closes with the runner's own count.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'soft-delete-results-'));
const results = join(folder, 'results.json');
const jest = join(createRequire(import.meta.url).resolve('jest/package.json'), '../bin/jest.js');

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--json',
    `--outputFile=${results}`,
    ...process.argv.slice(2),
  ],
  { stdio: ['inherit', 'ignore', 'inherit'] },
);

let failed = 1;
try {
  const run = JSON.parse(readFileSync(results, 'utf8'));
  failed = run.numFailedTests + run.numRuntimeErrorTestSuites;
  console.log(`tests: ${run.numPassedTests} passed, ${failed} failed`);
} catch {
  console.log('tests: 0 passed, 1 failed');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status === 0 && failed === 0 ? 0 : 1;
