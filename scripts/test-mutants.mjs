// Changes the library in small ways, one at a time, and says which changes no test notices:
// npm run test:mutants -- --count 50 --seed 7
// It finds out first which tests run what, which takes as long as they do, and tries each change with those that run its line.
// --most is how many of them (20): what survives more has to be looked at. --output names the file of results, from which an
// interrupted run goes on, --coverage that of what the tests run, kept for the next sample.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { startPostgres } from './compatibility/postgres-server.mjs';
import { SERVER_PACKAGE } from './compatibility/targets.mjs';
import { coveringTests } from './mutants/covering-tests.mjs';
import { listMutants } from './mutants/list-mutants.mjs';
import { createTypeChecker } from './mutants/type-checker.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    most: { type: 'string', default: '20' },
    output: { type: 'string' },
    coverage: { type: 'string' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
const most = Number(values.most);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed) || !Number.isInteger(most) || most < 1) {
  throw new Error('--count and --most must be positive whole numbers, --seed a whole number.');
}
const output = values.output ?? join(tmpdir(), `soft-delete-mutants-${seed}.json`);
const coverageFile = values.coverage ?? join(tmpdir(), 'soft-delete-coverage.json');
/** Longer than any run that ends by itself: a mutant may loop for ever. */
const TIME_LIMIT = 600_000;

/** Verdicts are those of the sources that they were found with. */
const sources = digestOf('lib', 'test');
const known = existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')) : {};
const results = known.sources === sources ? known.results : {};
const mutants = sample();
const folder = mkdtempSync(join(tmpdir(), 'soft-delete-mutants-'));
let running;
process.once('SIGINT', () => process.kill(-running?.pid, 'SIGKILL'));
const server = await startPostgres(join(root, 'node_modules', SERVER_PACKAGE, 'native/bin'));
try {
  copyTo(folder);
  const coverage = await readCoverage();
  for (const [index, mutant] of mutants.entries()) {
    const id = idOf(mutant);
    if (!results[id]) {
      keep(id, await tryOut(mutant, coverage));
    }
    console.log(`${index + 1}/${mutants.length} ${describe(mutant, results[id])}`);
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
const survivors = mutants.filter((mutant) => results[idOf(mutant)].outcome === 'survived');
console.log(`\n${mutants.length - survivors.length} killed, ${survivors.length} survived`);
survivors.forEach((mutant) => console.log(describe(mutant, results[idOf(mutant)])));
console.log(`Results: ${output}`);

/** In the order of the seed, those of all that still compile: a larger count goes on where a smaller one ended. */
function sample() {
  const checker = createTypeChecker(root);
  const all = checker.files.flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    const sourceFile = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    return listMutants(sourceFile).map((mutant) => ({
      ...mutant,
      path,
      file: relative(join(root, 'lib'), path),
      line: sourceFile.getLineAndCharacterOfPosition(mutant.start).line + 1,
      from: text.slice(mutant.start, mutant.end),
      changed: text.slice(0, mutant.start) + mutant.text + text.slice(mutant.end),
    }));
  });
  const random = generator(seed);
  const chosen = [];
  while (chosen.length < count && all.length > 0) {
    const [mutant] = all.splice(Math.floor(random() * all.length), 1);
    if (checker.compiles(mutant.path, mutant.changed)) {
      chosen.push(mutant);
    }
  }
  return chosen;
}

/** What each test runs of the library: of these sources, or of former ones if a file with that is named. */
async function readCoverage() {
  if (!values.coverage || !existsSync(coverageFile)) {
    const config = join(folder, 'coverage.config.mjs');
    writeFileSync(
      config,
      `import config from './jest.config.js';
const collectCoverageFrom = ['lib/**/*.ts'];
// Lines are those of the sources only where their maps are inside of what is instrumented.
const inline = ([pattern, [transformer, options]]) => [pattern, [transformer, { ...options, sourceMaps: 'inline' }]];
export default {
  ...config,
  projects: config.projects.map((project) => ({
    ...project,
    collectCoverageFrom,
    transform: Object.fromEntries(Object.entries(project.transform).map(inline)),
  })),
  collectCoverage: true,
  coverageReporters: [],
  reporters: [['<rootDir>/scripts/mutants/coverage-reporter.mjs', { output: ${JSON.stringify(coverageFile)} }]],
};
`,
    );
    // All of them, on a machine that may have other things to do.
    await runTests(['--config', config, '--selectProjects', 'unit', 'integration'], 10 * TIME_LIMIT);
  }
  return JSON.parse(readFileSync(coverageFile, 'utf8'));
}

async function tryOut({ file, line, changed, path }, coverage) {
  const target = join(folder, 'lib', file);
  const runs = coveringTests(folder, coverage, file, line, most);
  const started = Date.now();
  writeFileSync(target, changed);
  try {
    for (const run of runs) {
      const outcome = await runTests(['--bail', ...run]);
      if (outcome !== 'survived') {
        cpSync(path, target);
        await requireGreen(run);
        return { outcome, seconds: Math.round((Date.now() - started) / 1000) };
      }
    }
    return { outcome: 'survived', seconds: Math.round((Date.now() - started) / 1000) };
  } finally {
    cpSync(path, target);
  }
}

/** Tests that fail anyway kill nothing. */
async function requireGreen(run) {
  const id = `unchanged: ${run.join(' ')}`;
  if (!results[id]) {
    const outcome = await runTests(['--bail', ...run]);
    if (outcome !== 'survived') {
      throw new Error(`Without a change, "npm test -- ${run.join(' ')}" fails already.`);
    }
    keep(id, { outcome });
  }
}

function digestOf(...folders) {
  const hash = createHash('sha256');
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)),
  );
  for (const file of files.filter((name) => name.endsWith('.ts')).toSorted()) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function keep(id, result) {
  results[id] = result;
  writeFileSync(output, JSON.stringify({ sources, results }, undefined, 2));
}

async function runTests(args, limit = TIME_LIMIT) {
  running = spawn(process.execPath, [join(folder, 'scripts/test.mjs'), '--silent', ...args], {
    cwd: folder,
    detached: true,
    env: { ...process.env, SOFT_DELETE_TEST_SERVER: server.url },
    stdio: 'ignore',
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    process.kill(-running.pid, 'SIGKILL');
  }, limit);
  const code = await new Promise((resolve) => running.once('exit', resolve));
  clearTimeout(timer);
  return isLate ? 'timed out' : code === 0 ? 'survived' : 'killed';
}

function copyTo(target) {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files
    .split('\0')
    .filter((path) => existsSync(join(root, path)) && !/^(node_modules)?$/.test(path))) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(root, file), join(target, file));
  }
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'), 'dir');
}

function idOf({ file, line, kind, from, text, start }) {
  return `${file}:${line}:${start} ${kind}: ${from} → ${text}`;
}

function describe({ file, line, kind, from, text }, { outcome, seconds }) {
  const short = (code) => JSON.stringify(code.replaceAll(/\s+/g, ' ').slice(0, 80));
  return `${outcome.padEnd(9)} lib/${file}:${line} ${kind}: ${short(from)} → ${short(text)} (${seconds} s)`;
}

/** Mulberry32: the same numbers for the same seed, everywhere. */
function generator(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
