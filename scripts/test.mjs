// Runs Jest in ESM mode on the Node that the package brings, and closes with the runner's own count.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'soft-delete-results-'));
const results = join(folder, 'results.json');
const jest = join(createRequire(import.meta.url).resolve('jest/package.json'), '../bin/jest.js');

const { status, signal } = spawnSync(
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

// A suite that could not even be loaded has no failed test, and a run that was cut short has no results.
let passed = 0;
let failed = 1;
if (existsSync(results)) {
  const run = JSON.parse(readFileSync(results, 'utf8'));
  passed = run.numPassedTests;
  failed = run.numFailedTests + run.numRuntimeErrorTestSuites;
  if (failed === 0 && status !== 0) {
    failed = 1;
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`tests: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && signal === null ? 0 : 1;
