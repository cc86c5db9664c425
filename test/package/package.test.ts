import { execFileSync } from 'node:child_process';
import {
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const name = 'nestjs-mikro-orm-soft-delete';

describe('The packed package', () => {
  let folder: string;
  let installed: string;
  let manifest: Record<string, any>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-package-'));
    installed = join(folder, 'node_modules', name);
    const [{ filename }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder));
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed]);
    manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    // Nothing else than what the package says it needs: an import of anything else fails.
    for (const dependency of Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] })) {
      link(dependency);
    }
    link('reflect-metadata');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function link(dependency: string): void {
    const target = join(folder, 'node_modules', dependency);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(root, 'node_modules', dependency), target, 'dir');
  }

  function node(file: string, code: string): string {
    writeFileSync(join(folder, file), code);
    return execFileSync(process.execPath, [join(folder, file)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  it('contains what is built and nothing else', () => {
    expect(readdirSync(installed).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'NOTICE',
      'README.md',
      'dist',
      'docs',
      'package.json',
    ]);
    const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['index.js', 'index.d.ts', 'testing/index.js', 'testing/index.d.ts']));
    expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('has every file that it points to', () => {
    const { exports, bin, main, types, typesVersions } = manifest;
    const targets = [exports, bin, main, types, typesVersions].flatMap(leaves);
    expect(targets.length).toBeGreaterThan(7);
    expect(targets.filter((target) => !existsSync(join(installed, target)))).toEqual([]);
  });

  it('has every page that its README links to', () => {
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
    expect(links.length).toBeGreaterThan(10);
    expect(links.map(([, file]) => file).filter((file) => file && !existsSync(join(installed, file)))).toEqual([]);
    const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(
      links.map(([, file, anchor]) => !file && anchor).filter((anchor) => anchor && !anchors.includes(anchor)),
    ).toEqual([]);
  });

  it('serves every kind of consumer from each entry: types first, a default last', () => {
    for (const [entry, conditions] of Object.entries<any>(manifest['exports'])) {
      if (entry !== './package.json') {
        expect(Object.keys(conditions)).toEqual(['types', 'default']);
      }
    }
  });

  it('says the same to those who look at no exports', () => {
    const { exports, main, types, typesVersions } = manifest;
    expect({ types, default: main }).toEqual(exports['.']);
    expect(Object.keys(typesVersions['*'])).toEqual(
      Object.keys(exports)
        .filter((entry) => !['.', './package.json'].includes(entry))
        .map((entry) => entry.slice(2)),
    );
    for (const [entry, files] of Object.entries(typesVersions['*'])) {
      expect(files).toEqual([exports[`./${entry}`].types]);
    }
  });

  it('brings the sources that its source maps mean', () => {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, 'dist/index.js.map'), 'utf8'));
    expect(sources).toHaveLength(1);
    expect(sourcesContent[0]).toContain('export');
  });

  it('is imported by an ES module', () => {
    const output = node(
      'consumer.mjs',
      `import { SoftDeleteModule, SoftDeleteRepository, PurgeService } from '${name}';
       import { countRows } from '${name}/testing';
       console.log(typeof SoftDeleteModule.forRoot, typeof SoftDeleteRepository, typeof PurgeService, typeof countRows);`,
    );
    expect(output).toBe('function function function function\n');
  });

  it('is required by a CommonJS module', () => {
    const output = node(
      'consumer.cjs',
      `const { SoftDeleteModule, SoftDeleteRepository, PurgeService } = require('${name}');
       const { countRows } = require('${name}/testing');
       console.log(typeof SoftDeleteModule.forRoot, typeof SoftDeleteRepository, typeof PurgeService, typeof countRows);`,
    );
    expect(output).toBe('function function function function\n');
  });

  it('is one and the same for both', () => {
    const output = node(
      'both.mjs',
      `import { createRequire } from 'node:module';
       import { SoftDeleteModule } from '${name}';
       console.log(createRequire(import.meta.url)('${name}').SoftDeleteModule === SoftDeleteModule);`,
    );
    expect(output).toBe('true\n');
  });

  it('brings a command', () => {
    const [[command, file]] = Object.entries<string>(manifest['bin']) as [[string, string]];
    expect(command).toBe('soft-delete');
    expect(readFileSync(join(installed, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(execFileSync(process.execPath, [join(installed, file), '--help'], { encoding: 'utf8' })).toContain(
      'Usage: soft-delete',
    );
  });

  it('works without its optional peers', () => {
    for (const [peer, { optional }] of Object.entries<any>(manifest['peerDependenciesMeta'])) {
      expect(optional).toBe(true);
      rmSync(join(folder, 'node_modules', peer), { force: true });
    }
    expect(
      node('spare.mjs', `import('${name}').then(({ SoftDeleteModule }) => console.log(SoftDeleteModule.name));`),
    ).toBe('SoftDeleteModule\n');
  });
});

/** The npm that runs the tests, or the one on the path. */
function npm(...args: string[]): string {
  const script = process.env['npm_execpath'];
  const [file, first] = script ? [process.execPath, [script]] : ['npm', []];
  return execFileSync(file, [...first, ...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

function leaves(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leaves);
}
