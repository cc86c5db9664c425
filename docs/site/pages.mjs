// Which files of the project are pages of the site, and how a link from one to another reads there.
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const site = fileURLToPath(new URL('.', import.meta.url));
export const root = join(site, '../..');
export const pages = join(site, '.pages');

/** Where they are written, by the path in the project. */
const FILES = new Map([
  ['README.md', 'index.md'],
  ['CONTRIBUTING.md', 'contributing.md'],
  ['CHANGELOG.md', 'changelog.md'],
  ['SECURITY.md', 'security.md'],
  ['sample-app/DELETION_POLICY.md', 'sample-policy.md'],
  ...globSync('docs/*.md', { cwd: root }).map((file) => [file, basename(file)]),
  ...globSync('docs/decisions/*.md', { cwd: root }).map((file) => [
    file,
    `decisions/${basename(file).replace('README', 'index')}`,
  ]),
  ...globSync('bench/results/*.md', { cwd: root }).map((file) => [file, `results/${basename(file)}`]),
]);

/** Pages for what is no Markdown in the project. */
const WRITTEN = { LICENSE: 'license.md', 'bench/results': 'results/index.md' };

export function writePages() {
  for (const [file, page] of FILES) {
    // The benchmarks write theirs without a heading.
    const title = file.startsWith('bench/') ? `# Measured: ${basename(page, '.md')}\n\n` : '';
    write(page, `${title}${withLinksOfSite(file, page, readFileSync(join(root, file), 'utf8'))}`);
  }
  const results = globSync('results/*.md', { cwd: pages }).sort();
  write(
    'results/index.md',
    `# Measurements\n\n${results.map((page) => `- [${titleOf(page)}](./${basename(page)})`).join('\n')}\n`,
  );
  write('license.md', `# License\n\n\`\`\`text\n${readFileSync(join(root, 'LICENSE'), 'utf8')}\`\`\`\n`);
}

/** Calls the reference of each entry what one imports, which TypeDoc calls by its file. */
export function nameEntries() {
  for (const page of globSync('api/*/index.md', { cwd: pages })) {
    const entry = basename(dirname(page));
    const name = entry === 'index' ? 'nestjs-mikro-orm-soft-delete' : `nestjs-mikro-orm-soft-delete/${entry}`;
    write(page, readFileSync(join(pages, page), 'utf8').replace(/^# .*$/m, `# ${name}`));
  }
}

/** The title of a page: its first heading. */
export function titleOf(page) {
  return /^# (.*)$/m.exec(readFileSync(join(pages, page), 'utf8'))[1].replaceAll(/[`\\]/g, '');
}

export function hasPage(page) {
  return existsSync(join(pages, page));
}

function write(page, text) {
  mkdirSync(dirname(join(pages, page)), { recursive: true });
  writeFileSync(join(pages, page), text);
}

/** Links in code are none. */
function withLinksOfSite(file, page, text) {
  return text
    .split(/(^```[\s\S]*?^```$|`[^`\n]*`)/m)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part.replaceAll(/\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)/g, (_link, path, anchor = '') => {
            const target = posix.normalize(posix.join(posix.dirname(file), path));
            return `](${pathOf(target, page, file)}${anchor})`;
          }),
    )
    .join('');
}

function pathOf(target, page, file) {
  const found = FILES.get(target) ?? WRITTEN[target];
  if (found) {
    const path = posix.relative(posix.dirname(page), found);
    return path.startsWith('.') ? path : `./${path}`;
  }
  if (/\.(png|svg)$/.test(target) && existsSync(join(root, target))) {
    const image = `images/${basename(target)}`;
    mkdirSync(join(pages, 'images'), { recursive: true });
    copyFileSync(join(root, target), join(pages, image));
    return `./${posix.relative(posix.dirname(page), image)}`;
  }
  throw new Error(`${file} links to ${target}, which is not on the site. Add it to docs/site/pages.mjs.`);
}
