// Leaves in dist what a user needs: code without comments, and the declarations that an entry of the package leads to.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');

export function trimBuild() {
  const files = readdirSync(output, { recursive: true, encoding: 'utf8' }).map((file) => join(output, file));
  for (const file of files.filter(
    (path) => path.endsWith('.js') && !relative(output, path).startsWith('admin/assets'),
  )) {
    writeFileSync(file, withoutComments(file));
  }
  const published = publishedDeclarations();
  for (const file of files.filter((path) => path.endsWith('.d.ts') && !published.has(path))) {
    rmSync(file);
  }
}

/** What the doc comments say is in the declarations, which the compiler cannot write with comments and the code without. */
function withoutComments(file) {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      allowJs: true,
      module: ts.ModuleKind.ESNext,
      removeComments: true,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
    },
  });
  return outputText;
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
