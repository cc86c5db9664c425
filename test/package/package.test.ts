import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const name = 'nestjs-mikro-orm-soft-delete';
/** Bytes of what npm transfers: two thirds of it is code, a tenth declarations, a tenth the pages that the README links to. */
const BUDGET = 370_000;

describe('The packed package', () => {
  let folder: string;
  let installed: string;
  let manifest: Record<string, any>;
  let files: string[];
  let size: number;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-package-'));
    installed = join(folder, 'node_modules', name);
    const [{ filename }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder));
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed]);
    size = statSync(join(folder, filename)).size;
    files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
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

  function read(file: string): string {
    return readFileSync(join(installed, file), 'utf8');
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
    expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/testing/index.d.ts']));
    const published = /^(dist\/.*\.(js|d\.ts)|dist\/admin\/assets\/(icon|page)-\w+\.(css|js|svg)|docs\/[^/]*\.md)$/;
    const isFolder = (file: string): boolean => statSync(join(installed, file)).isDirectory();
    expect(files.filter((file) => file.includes('/') && !isFolder(file) && !published.test(file))).toEqual([]);
  });

  it('is small', () => {
    expect(size).toBeGreaterThan(50_000);
    expect(size).toBeLessThan(BUDGET);
  });

  it('brings neither sources nor maps that mean them', () => {
    expect(files.filter((file) => /\.map$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.js') && read(file).includes('sourceMappingURL='))).toEqual([]);
  });

  it('publishes no internals, and no declarations that nothing leads to', () => {
    const declarations = files.filter((file) => file.endsWith('.d.ts'));
    expect(declarations.filter((file) => read(file).includes('@internal'))).toEqual([]);
    expect(read('dist/repository/soft-delete.repository.d.ts')).toContain('@publicApi');
    expect(declarations).not.toContain('dist/orm/touches.d.ts');
    expect(declarations.length).toBeGreaterThan(30);
  });

  it('keeps the names of its classes', () => {
    const output = node(
      'names.mjs',
      `import * as library from '${name}';
       const classes = Object.entries(library).filter(([, value]) => /^class /.test(String(value)));
       console.log(classes.filter(([key, { name }]) => key !== name).length, classes.length > 10);`,
    );
    expect(output).toBe('0 true\n');
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
    // Images are in the repository alone: nothing that is read offline shows them.
    const pages = links.map(([, file]) => file).filter((file) => file && !file.startsWith('docs/images/'));
    expect(pages.filter((file) => !existsSync(join(installed, file!)))).toEqual([]);
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
