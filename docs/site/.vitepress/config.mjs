import { globSync } from 'node:fs';
import { renderMermaidSVG } from 'beautiful-mermaid';
import { defineConfig } from 'vitepress';
import { readBase } from '../base.mjs';
import { hasPage, pages, titleOf } from '../pages.mjs';

/** In the order in which somebody needs them. Other pages of docs/ follow. */
const GUIDE = ['index', 'adopting', 'migrating', 'recipes', 'choosing', 'faq', 'comparison'];
const REFERENCE = [
  'repository',
  'options',
  'http',
  'archive',
  'schema',
  'purge',
  'scaling',
  'compliance',
  'command-line',
  'caveats',
];
const PROJECT = ['changelog', 'architecture', 'decisions/index', 'contributing', 'security', 'license'];

export default defineConfig({
  title: 'Soft deletion',
  description: 'Soft deletion for NestJS and MikroORM on PostgreSQL.',
  base: readBase(process.env.DOCS_BASE),
  srcDir: '.pages',
  outDir: 'dist',
  // The index of the search, which is loaded when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 3000 } },
  markdown: {
    anchor: { slugify: anchorOf },
    config: (md) => {
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, i, ...rest) =>
        tokens[i].info.trim() === 'mermaid' ? draw(tokens[i].content) : fence(tokens, i, ...rest);
    },
  },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local', options: { miniSearch: { searchOptions: { boostDocument: guideFirst } } } },
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'API', link: '/api/' },
      { text: 'Changes', link: '/changelog' },
    ],
    sidebar: { '/api/': reference(), '/': guide() },
  },
});

/** Somebody who searches wants to be told how, before every property of that name. */
function guideFirst(page) {
  return page.includes('/api/') ? 0.1 : 1;
}

/** The same anchors as on GitHub, so that one text has the same links in both places. */
function anchorOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Drawn while the site is built, in the colors of the theme, with nothing left to load. What the drawing says in a style sheet, which Vue
 * would drop, is said by the attribute.
 */
function draw(text) {
  const svg = renderMermaidSVG(text, { bg: 'var(--vp-c-bg)', fg: 'var(--vp-c-text-1)', transparent: true });
  const [, colors] = /\bsvg \{([^}]*)\}/.exec(svg);
  const style = colors.replaceAll(/\/\*.*?\*\/|\s+/g, ' ').trim();
  return `<div style="overflow-x: auto">${svg
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/ style="([^"]*)"/, (_attribute, given) => ` style="${given}; ${style}"`)
    .replaceAll(/\s*\n\s*/g, '')}</div>`;
}

function guide() {
  const known = new Set([...GUIDE, ...REFERENCE, ...PROJECT, 'sample-policy']);
  const others = globSync('*.md', { cwd: pages })
    .map((file) => file.replace(/\.md$/, ''))
    .filter((page) => !known.has(page))
    .sort();
  return [
    { text: 'Guide', items: entries(GUIDE) },
    { text: 'In detail', items: entries([...REFERENCE, ...others]) },
    { text: 'Project', items: entries(PROJECT) },
  ];
}

function entries(names) {
  return names
    .filter((name) => hasPage(`${name}.md`))
    .map((name) => ({
      text: name === 'index' ? 'Quick start' : titleOf(`${name}.md`),
      link: `/${name.replace(/(^|\/)index$/, '$1')}`,
    }));
}

/** One group for each entry of the package, with its classes, functions and types. */
function reference() {
  return ['index', 'admin', 'compliance', 'testing'].map((entry) => ({
    text: entry === 'index' ? 'nestjs-mikro-orm-soft-delete' : `…/${entry}`,
    link: `/api/${entry}/`,
    collapsed: entry !== 'index',
    items: ['classes', 'functions', 'interfaces', 'type-aliases', 'variables'].flatMap((kind) => {
      const items = globSync(`api/${entry}/${kind}/*.md`, { cwd: pages })
        .sort()
        .map((file) => ({ text: /([^/]+)\.md$/.exec(file)[1], link: `/${file.replace(/\.md$/, '')}` }));
      return items.length === 0 ? [] : [{ text: kind.replace('-', ' '), collapsed: true, items }];
    }),
  }));
}
