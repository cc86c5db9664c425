// Runs the integration tests with other versions of PostgreSQL, MikroORM and NestJS than those the package is developed with:
// npm run test:compatibility -- all, or only some: npm run test:compatibility -- postgresql-17 nestjs-11
// What follows a second -- goes to Jest: npm run test:compatibility -- nestjs-11 -- test/integration/nest
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './compatibility/postgres-server.mjs';
import { SERVER_PACKAGE, TARGETS } from './compatibility/targets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const names = args.slice(0, end);
const forJest = args.slice(end + 1);
const unknown = names.filter((name) => name !== 'all' && !TARGETS.some((target) => target.name === name));
if (unknown.length > 0) {
  throw new Error(
    `No such target: ${unknown.join(', ')}. There are ${TARGETS.map(({ name }) => name).join(', ')}, and all of them: all.`,
  );
}

const lines = [];
for (const target of TARGETS.filter(
  ({ name }) => names.length === 0 || names.includes('all') || names.includes(name),
)) {
  console.log(`${target.name} …`);
  const folder = mkdtempSync(join(tmpdir(), 'soft-delete-compatibility-'));
  // The server may run under another name.
  chmodSync(folder, 0o755);
  try {
    lines.push(target.packages ? runWithPackages(folder, target) : await runOnServer(folder, target));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(lines.at(-1));
}
console.log(['', ...lines].join('\n'));
process.exitCode = lines.every((line) => line.endsWith(' 0 failed')) ? 0 : 1;

/** This folder's tests and packages, on another server. */
async function runOnServer(folder, { name, bin, postgres }) {
  const server = await startPostgres(bin ?? installServer(folder, postgres));
  try {
    return `${name} (${server.version}): ${runTests(root, { SOFT_DELETE_TEST_SERVER: server.url })}`;
  } finally {
    await server.stop();
  }
}

/** A copy of this folder with other packages, on the usual server. */
function runWithPackages(folder, { name, packages, environment = {} }) {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  Object.assign(manifest.devDependencies, packages);
  // A second copy of the ORM below its command line would know nothing of the contexts of the first.
  manifest.overrides = packages;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  rmSync(join(folder, 'package-lock.json'), { force: true });
  npm(folder, 'install', '--legacy-peer-deps');
  return `${name}: ${runTests(folder, environment)}`;
}

function installServer(folder, version) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  npm(folder, 'install', '--ignore-scripts', `${SERVER_PACKAGE}@${version}`);
  const installed = join(folder, 'node_modules', SERVER_PACKAGE);
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: installed, stdio: 'ignore' });
  const bin = join(installed, 'native/bin');
  for (const program of ['initdb', 'pg_ctl', 'postgres']) {
    chmodSync(join(bin, program), 0o755);
  }
  return bin;
}

function runTests(folder, environment) {
  const { stdout } = spawnSync(
    process.execPath,
    [join(folder, 'scripts/test.mjs'), '--selectProjects', 'integration', '--maxWorkers=1', '--silent', ...forJest],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return stdout.trim().split('\n').at(-1);
}

function npm(folder, ...args) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}
