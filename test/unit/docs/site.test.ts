import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = fileURLToPath(new URL('../../../docs/site', import.meta.url));
const { readBase } = (await import(join(site, 'base.mjs'))) as { readBase(text?: string): string };
const { checkLinks } = (await import(join(site, 'check-links.mjs'))) as {
  checkLinks(folder: string, base?: string): string[];
};

describe('The folder of the site on its host', () => {
  it.each([
    [undefined, '/'],
    ['', '/'],
    ['/', '/'],
    ['docs', '/docs/'],
    ['/nestjs-mikro-orm-soft-delete/', '/nestjs-mikro-orm-soft-delete/'],
    ['a/b.c', '/a/b.c/'],
  ])('is for %p the path %p', (text, base) => {
    expect(readBase(text)).toBe(base);
  });

  it.each(['///', 'https://example.com/docs', 'a b', '/a//b/', '../x', '?x', '/a/../b'])('is none by %p', (text) => {
    expect(() => readBase(text)).toThrow(`DOCS_BASE is "${text}", which is no folder of a host.`);
  });
});

describe('The check of the links of the site', () => {
  let folder: string;
  const write = (files: Readonly<Record<string, string>>) =>
    Object.entries(files).forEach(([file, text]) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-site-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const pages = (base: string) => ({
    'index.html': `<a href="${base}">home</a> <a href="${base}guide/page">page</a> <a href="guide/page.html#part">part</a> <img src="${base}a.png">`,
    'guide/page.html': `<h2 id="part"></h2> <a href="../">home</a> <a href="#part">part</a> <a href="https://example.com">other</a>`,
    'a.png': '',
  });

  it.each(['/', '/docs/', '/a/b/'])('finds nothing where all of them lead somewhere, below %s', (base) => {
    write(pages(base));
    expect(checkLinks(folder, base)).toEqual([]);
  });

  it('finds links that leave the folder, lead nowhere, or load something from elsewhere', () => {
    write({
      ...pages('/docs/'),
      'more.html': `<a href="/guide/page">a</a> <a href="/docs/nothing">b</a> <a href="/docs/guide/page#nothing">c</a>
        <a href="/docsguide">d</a> <script src="https://example.com/x.js"></script>`,
    });
    expect(checkLinks(folder, '/docs/')).toEqual([
      'more.html: /guide/page leaves /docs/',
      'more.html: /docs/nothing is not there',
      'more.html: /docs/guide/page#nothing has no such anchor',
      'more.html: /docsguide leaves /docs/',
      'more.html: https://example.com/x.js is fetched from another host',
    ]);
  });
});
