// Lints the packed package, installs it with its peers into an empty folder, as a user does, then imports, requires and type-checks it there.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatMessage } from 'publint/utils';
import { publint } from 'publint';
import { readmeFiles } from '../test/support/readme.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, exports, peerDependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
/** What the quick start and the tests of types need besides. */
const typed = [
  '@mikro-orm/decorators',
  '@mikro-orm/migrations',
  '@mikro-orm/nestjs',
  '@nestjs/schedule',
  '@types/node',
  'expect-type',
  'typescript',
];
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const folder = mkdtempSync(join(tmpdir(), 'soft-delete-consumer-'));
const run = (cwd, file, ...args) =>
  execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [{ filename }] = JSON.parse(
    run(root, ...npm, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  await lint(join(folder, filename));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  // The versions developed on: the ORM's packages want one version of each other, and the newest may not be published in all.
  const peers = [...Object.keys(peerDependencies), ...typed].map((peer) => `${peer}@${devDependencies[peer]}`);
  run(
    folder,
    ...npm,
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `./${filename}`,
    'reflect-metadata',
    ...peers,
  );

  const entries = Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => join(name, entry));
  for (const entry of entries) {
    const count = `(entry) => { if (!Object.keys(entry).length) throw new Error('${entry} exports nothing'); }`;
    writeFileSync(join(folder, 'import.mjs'), `import * as entry from '${entry}'; (${count})(entry);`);
    writeFileSync(join(folder, 'require.cjs'), `(${count})(require('${entry}'));`);
    run(folder, process.execPath, 'import.mjs');
    run(folder, process.execPath, 'require.cjs');
    console.log(`${entry}: imported and required from an empty folder`);
  }
  typeCheck(entries);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Whether every consumer finds the code and the types of each entry. */
async function lint(tarball) {
  const archive = readFileSync(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: archive.buffer.slice(archive.byteOffset, archive.byteOffset + archive.byteLength) },
    strict: true,
  });
  if (messages.length > 0) {
    throw new Error(messages.map((message) => `publint: ${formatMessage(message, pkg)}`).join('\n'));
  }
  console.log('publint finds nothing');
  const attw = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json');
  // The Node that MikroORM needs can require ES modules; that it does is tried out below.
  const flags = ['--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji', '--no-color'];
  const { status, stdout } = spawnSync(process.execPath, [join(attw, '../dist/index.js'), tarball, ...flags], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    throw new Error(`Are the types wrong? They are:\n${stdout}`);
  }
  console.log('attw finds no wrong types');
}

/** The README's quick start and the tests of types, strictly and with the package's own declarations. */
function typeCheck(entries) {
  mkdirSync(join(folder, 'quick-start'));
  for (const { file, text } of readmeFiles('## Quick start')) {
    // Its own main file and settings are those of an ES module; what a CommonJS application has of it is the rest.
    if (!['main.ts', 'tsconfig.json'].includes(file)) {
      writeFileSync(join(folder, 'quick-start', file), text);
    }
  }
  // Whatever an entry leads to is read, whether or not the rest of the files uses it.
  writeFileSync(
    join(folder, 'entries.ts'),
    entries.map((entry, index) => `export * as entry${index} from '${entry}';\n`).join(''),
  );
  cpSync(join(root, 'test/types'), join(folder, 'types'), { recursive: true });
  cpSync(join(root, 'test/support/library.ts'), join(folder, 'support/library.ts'));
  check({ module: 'nodenext' }, ['types']);
  console.log("the README's quick start and the tests of types: type-checked there");
  // As in most applications of Nest: no exports of packages are looked at.
  check({ module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }, []);
  console.log("the README's quick start: type-checked there as a CommonJS module");
}

function check(options, include) {
  const compilerOptions = {
    target: 'es2023',
    strict: true,
    noEmit: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    ...options,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['quick-start/app.module.ts', 'entries.ts'], include }),
  );
  const tsc = join(folder, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  // Other packages' declarations are their own business.
  const errors = stdout
    .split('\n')
    .filter((line) => /^(quick-start\/|entries|types\/|support\/|error )/.test(line) || line.includes(name));
  if (errors.length > 0) {
    throw new Error(errors.join('\n'));
  }
}
