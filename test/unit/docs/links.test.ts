import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...globSync('docs/*.md', { cwd: root }),
  ...globSync('docs/decisions/*.md', { cwd: root }),
].sort();

const FENCE = /^( *)```[\s\S]*?^\1```$/gm;
const readPage = (page: string) => readFileSync(join(root, page), 'utf8').replaceAll(FENCE, '');

/** The anchor that GitHub gives a heading, and the site as well. */
const anchorOf = (heading: string) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');

function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
      const anchor = anchorOf(heading!);
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

/** The links of a page that lead nowhere. */
function brokenLinks(page: string): string[] {
  const links = readPage(page)
    .replaceAll(/`[^`\n]*`/g, '')
    .matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)]*))?\)/g);
  return [...links].flatMap(([link, path, anchor]) => {
    const target = path === '' ? join(root, page) : join(root, dirname(page), path!);
    if (!existsSync(target)) {
      return [link];
    }
    const hasAnchor =
      anchor === undefined || (statSync(target).isFile() && anchorsOf(relative(root, target)).has(anchor));
    return hasAnchor ? [] : [link];
  });
}

describe('The documentation', () => {
  it.each(PAGES)('leads to files and headings that are there: %s', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('is read as a reader follows it', () => {
    expect(PAGES.length).toBeGreaterThan(15);
    expect(anchorsOf('docs/faq.md')).toContain('why-409');
    expect(readFileSync(join(root, 'README.md'), 'utf8').match(/\]\(docs\/[\w-]+\.md/g)!.length).toBeGreaterThan(5);
  });
});
