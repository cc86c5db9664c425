// Installs the packed package with its peers into an empty folder, as a user does, then imports and requires it there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, exports, peerDependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const folder = mkdtempSync(join(tmpdir(), 'soft-delete-consumer-'));
const run = (cwd, file, ...args) =>
  execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [{ filename }] = JSON.parse(
    run(root, ...npm, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  // The versions developed on: the ORM's packages want one version of each other, and the newest may not be published in all.
  const peers = Object.keys(peerDependencies).map((peer) => `${peer}@${devDependencies[peer]}`);
  run(
    folder,
    ...npm,
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `./${filename}`,
    'reflect-metadata',
    ...peers,
  );

  const entries = Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => join(name, entry));
  for (const entry of entries) {
    const count = `(entry) => { if (!Object.keys(entry).length) throw new Error('${entry} exports nothing'); }`;
    writeFileSync(join(folder, 'import.mjs'), `import * as entry from '${entry}'; (${count})(entry);`);
    writeFileSync(join(folder, 'require.cjs'), `(${count})(require('${entry}'));`);
    run(folder, process.execPath, 'import.mjs');
    run(folder, process.execPath, 'require.cjs');
    console.log(`${entry}: imported and required from an empty folder`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
