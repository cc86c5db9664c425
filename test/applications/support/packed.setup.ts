import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import build = require('../../support/build.setup');
import startPostgres = require('../../support/postgres.setup');

const root = fileURLToPath(new URL('../../..', import.meta.url));
const name = 'nestjs-mikro-orm-soft-delete';

/** Of the applications that are ES modules, each in a folder named like it. */
const ES_MODULES = ['audit', 'open-api', 'purge-queues', 'tenant-databases', 'tenant-filter'];

/**
 * Packs the package, installs it in a folder outside of this one, next to one copy of each of its peers, and compiles the
 * applications there against what it declares.
 */
export default async function installAndCompile(): Promise<void> {
  build.default();
  const folder = mkdtempSync(join(tmpdir(), 'soft-delete-applications-'));
  process.env['SOFT_DELETE_APPLICATIONS'] = folder;
  try {
    install(folder);
    await compileAll(folder);
  } catch (error) {
    // Nobody tears down what was not set up.
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  await startPostgres.default();
}

async function compileAll(folder: string): Promise<void> {
  await Promise.all([
    compile(join(folder, 'es-modules'), ES_MODULES, { type: 'module' }, { module: 'nodenext' }),
    // As in most applications of Nest: no exports of packages are looked at, only their `main`, `types` and `typesVersions`.
    compile(
      join(folder, 'commonjs'),
      ['commonjs'],
      {},
      { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0', esModuleInterop: true },
    ),
  ]);
}

function install(folder: string): void {
  const modules = join(folder, 'node_modules');
  const installed = join(modules, name);
  mkdirSync(installed, { recursive: true });
  // One by one: what looks for the package from here finds the packed one.
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    if (!entry.startsWith('.') && entry !== name) {
      symlinkSync(join(root, 'node_modules', entry), join(modules, entry), 'dir');
    }
  }
  const [{ filename }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder));
  execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed]);
}

async function compile(folder: string, applications: string[], manifest: object, options: object): Promise<void> {
  for (const application of applications) {
    cpSync(join(root, 'test/applications', application), join(folder, 'src', application), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...manifest }));
  const compilerOptions = {
    target: 'es2023',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', folder, '--pretty', 'false']).catch(({ stdout }) => {
    throw new Error(`The applications do not compile with the packed package:\n${stdout}`);
  });
}

/** The npm that runs the tests, or the one on the path. */
function npm(...args: string[]): string {
  const script = process.env['npm_execpath'];
  const [file, first] = script ? [process.execPath, [script]] : ['npm', []];
  return execFileSync(file, [...first, ...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
