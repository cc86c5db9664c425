// Bundles the admin page into dist/admin/assets: a script, a stylesheet and an icon, named by what is in them.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'lib/admin/page');
const output = join(root, 'dist/admin/assets');
/** Bytes, compressed, of everything that a browser loads. */
const BUDGET = 25 * 1024;

/** Leaves alone what is there already: tests that need the page build it, several at once. */
export async function buildAdminPage() {
  const { outputFiles } = await build({
    entryPoints: [join(sources, 'page.ts'), join(sources, 'page.css')],
    outdir: output,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    // Licences are in NOTICE, which is published with the page.
    legalComments: 'none',
    logLevel: 'warning',
  });
  const files = [
    ...outputFiles.map(({ path, text }) => ({ kind: path.slice(path.lastIndexOf('.') + 1), text })),
    { kind: 'svg', text: readFileSync(join(sources, 'icon.svg'), 'utf8') },
  ];
  const size = files.reduce((total, { text }) => total + gzipSync(text).length, 0);
  if (size > BUDGET) {
    throw new Error(`The admin page has ${size} bytes compressed, more than ${BUDGET}.`);
  }
  mkdirSync(output, { recursive: true });
  const names = files.map(({ kind, text }) => {
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const name = `${kind === 'svg' ? 'icon' : 'page'}-${hash}.${kind}`;
    if (!existsSync(join(output, name))) {
      const unfinished = join(output, `.${name}.${process.pid}`);
      writeFileSync(unfinished, text);
      renameSync(unfinished, join(output, name));
    }
    return name;
  });
  for (const old of readdirSync(output).filter((name) => !name.startsWith('.') && !names.includes(name))) {
    rmSync(join(output, old), { force: true });
  }
  return size;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`The admin page: ${await buildAdminPage()} bytes compressed.`);
}
