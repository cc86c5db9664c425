// Leaves in dist what a user needs: the code that the entries of the package lead to, bundled and without comments, white space and
// long local names, and their declarations.
import { mkdirSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export async function trimBuild() {
  const files = readdirSync(output, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const declarations = publishedDeclarations();
  const outputs = await bundle();
  const isKept = (path) => declarations.has(path) || relative(output, path).startsWith('admin/assets');
  paths.filter((path, i) => files[i].isFile() && !isKept(path)).forEach((path) => rmSync(path));
  for (const { path, contents } of outputs) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
  const isEmpty = (folder) => readdirSync(folder).length === 0;
  const folders = paths.filter((_, i) => files[i].isDirectory());
  folders
    .toSorted((one, other) => other.length - one.length)
    .filter(isEmpty)
    .forEach((folder) => rmdirSync(folder));
}

/**
 * What entries share is in files of its own, so that there is one of everything. They are as deep in dist as the entries in folders:
 * paths that start at `import.meta.url` hold. Comments are in the declarations; functions and classes keep their names, so that a stack
 * trace says where it comes from.
 */
async function bundle() {
  const entries = [...Object.values(manifest.exports).map((entry) => entry.default), ...Object.values(manifest.bin)];
  const { outputFiles } = await build({
    entryPoints: entries.filter(Boolean).map((entry) => join(root, entry)),
    outdir: output,
    outbase: output,
    bundle: true,
    splitting: true,
    chunkNames: 'shared/[hash]',
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  return outputFiles;
}

function publishedDeclarations() {
  const open = Object.values(manifest.exports).flatMap(({ types }) => (types ? [resolve(root, types)] : []));
  const found = new Set();
  while (open.length > 0) {
    const file = open.pop();
    if (!found.has(file)) {
      found.add(file);
      const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
      const own = importedFiles.filter(({ fileName }) => fileName.startsWith('.'));
      open.push(...own.map(({ fileName }) => resolve(dirname(file), fileName.replace(/\.js$/, '.d.ts'))));
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await trimBuild();
}
