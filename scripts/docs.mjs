// Builds the documentation as a site, in docs/site/dist. Its tools are many and heavy, so they have a folder of their own, and are
// installed when somebody builds the site: npm run docs
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = fileURLToPath(new URL('../docs/site', import.meta.url));
const installed = join(site, 'node_modules/.package-lock.json');
const isInstalled =
  existsSync(installed) && statSync(installed).mtimeMs > statSync(join(site, 'package-lock.json')).mtimeMs;

// What npm says to its scripts would send another npm to this folder.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(cache|registry)$)/.test(name)),
);
process.exitCode = (isInstalled || run('npm', 'ci', '--loglevel=error')) && run(process.execPath, 'build.mjs') ? 0 : 1;

function run(program, ...args) {
  return spawnSync(program, args, { cwd: site, env, stdio: 'inherit' }).status === 0;
}
