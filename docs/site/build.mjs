// Builds the site: the README, the pages of docs/ and the reference of what the package exports. Fails on any warning and on any link
// that leads nowhere: npm run docs, in the folder of the project. For a site below a folder of its host: DOCS_BASE=/folder/ npm run docs.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readBase } from './base.mjs';
import { checkLinks } from './check-links.mjs';
import { nameEntries, pages, site, writePages } from './pages.mjs';

const base = readBase(process.env.DOCS_BASE);
const { resolve } = createRequire(import.meta.url);

rmSync(pages, { recursive: true, force: true });
writePages();
run('The reference', join(dirname(resolve('typedoc/package.json')), 'bin/typedoc'));
nameEntries();
run('The site', join(dirname(resolve('vitepress/package.json')), 'bin/vitepress.js'), 'build');
const faults = checkLinks(join(site, 'dist'), base);
if (faults.length > 0) {
  throw new Error(`Links that lead nowhere:\n${faults.join('\n')}`);
}
console.log(`The site is in docs/site/dist${base === '/' ? '' : `, to be served at ${base}`}.`);

function run(what, program, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: site,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  if (status !== 0 || /\bwarn(ing)?\b|\(!\)/i.test(`${stdout}${stderr}`)) {
    throw new Error(`${what} is not built without warnings:\n${stdout}${stderr}`);
  }
}
