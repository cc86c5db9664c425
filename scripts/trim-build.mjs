// Leaves in dist what a user needs: code without comments and white space, and the declarations that an entry of the package leads to.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minifySync } from '@swc/core';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');

export function trimBuild() {
  const files = readdirSync(output, { recursive: true, encoding: 'utf8' }).map((file) => join(output, file));
  for (const file of files.filter(
    (path) => path.endsWith('.js') && !relative(output, path).startsWith('admin/assets'),
  )) {
    writeFileSync(file, compact(file));
  }
  const published = publishedDeclarations();
  for (const file of files.filter((path) => path.endsWith('.d.ts') && !published.has(path))) {
    rmSync(file);
  }
}

/** Comments are in the declarations; names stay, so that a stack trace says where it comes from. */
function compact(file) {
  const { code } = minifySync(readFileSync(file, 'utf8'), {
    compress: false,
    mangle: false,
    module: true,
    format: { comments: false },
  });
  return code;
}

function publishedDeclarations() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const open = Object.values(exports).flatMap(({ types }) => (types ? [resolve(root, types)] : []));
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
  trimBuild();
}
