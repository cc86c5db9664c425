// Builds the package and the sample app, unless what they are built from has not changed since.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAdminPage } from './build-admin-page.mjs';
import { takeLock } from './take-lock.mjs';
import { trimBuild } from './trim-build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const nest = join(createRequire(import.meta.url).resolve('@nestjs/cli/package.json'), '../bin/nest.js');

/** In the order in which they need each other. */
const projects = [
  { name: 'lib', output: 'dist', sources: ['lib'], finish: finishLibrary },
  { name: 'sample-app', output: 'sample-app/dist', sources: ['lib', 'sample-app/src', 'sample-app/tsconfig.json'] },
];
const settings = [
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
  'scripts/build.mjs',
  'scripts/build-admin-page.mjs',
  'scripts/trim-build.mjs',
];

/** Others who build at the same time wait, and find it done. */
export async function build(options = {}) {
  const release = await takeLock(join(root, '.build-lock'));
  try {
    await buildProjects(options);
  } finally {
    release();
  }
}

async function buildProjects({ force = false }) {
  for (const { name, output, sources, finish } of projects) {
    const stamp = join(root, output, '.built-from');
    const state = fingerprint([...settings, ...sources]);
    if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) {
      continue;
    }
    console.log(`Building ${name} …`);
    const { status } = spawnSync(process.execPath, [nest, 'build', name], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) {
      throw new Error(`Building ${name} failed.`);
    }
    await finish?.();
    writeFileSync(stamp, state);
  }
}

async function finishLibrary() {
  await trimBuild();
  await buildAdminPage();
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(files).sort()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function files(path) {
  return statSync(join(root, path)).isFile()
    ? [path]
    : readdirSync(join(root, path)).flatMap((name) => files(`${path}/${name}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build({ force: process.argv.includes('--force') });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
