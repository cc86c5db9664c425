import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Where the tests of a room of the library are, besides those in folders named like it. */
const CONCERNS = {
  deletion: ['relations', 'invariants'],
  filter: ['reading', 'invariants'],
  flush: ['deletion', 'invariants', 'relations'],
  http: ['nest'],
  installation: ['several-orms', 'reading', 'events'],
  memory: ['deletion', 'invariants'],
  metadata: ['relations', 'several-orms', 'invariants'],
  options: ['nest'],
  orm: ['reading', 'memory', 'invariants', 'several-orms'],
  postgres: ['doctor', 'relations', 'purge'],
  repository: ['reading', 'deletion'],
  schedule: ['nest'],
  sql: ['deletion', 'relations'],
};

/** How many tests are run besides those of the room. */
const OTHERS = 6;

/**
 * The folders of tests that are about the room of a file, by its path below `lib/`, the rules of the whole library, and the tests
 * elsewhere that import the file, are named like it or name what it exports.
 */
export function nearestTests(root, file) {
  const room = file.includes('/') ? file.split('/')[0] : 'nest';
  const folders = [
    'test/architecture',
    `test/unit/${room}`,
    ...[room, ...(CONCERNS[room] ?? [])].map((name) => `test/integration/${name}`),
  ].filter((folder) => existsSync(join(root, folder)));
  const others = testsOf(root)
    .filter((path) => !folders.some((folder) => path.startsWith(`${folder}/`)))
    .map((path) => [path, nearness(root, path, file)])
    .filter(([, near]) => near > 0)
    .toSorted(([a, nearA], [b, nearB]) => nearB - nearA || (a < b ? -1 : 1))
    .slice(0, OTHERS)
    .map(([path]) => path);
  return [...folders, ...others];
}

/** Those that need nothing built. */
function testsOf(root) {
  return ['test/unit', 'test/integration'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  );
}

function nearness(root, path, file) {
  const test = readFileSync(join(root, path), 'utf8');
  const exported = [
    ...readFileSync(join(root, 'lib', file), 'utf8').matchAll(/^export (?:async )?(?:function|class|const) (\w+)/gm),
  ];
  const names = exported.filter(([, name]) => new RegExp(`\\b${name}\\b`).test(test));
  return (
    (test.includes(`lib/${file.replace(/\.ts$/, '.js')}'`) ? 4 : 0) +
    (basename(path, '.test.ts') === basename(file, '.ts') ? 2 : 0) +
    (names.length > 0 ? 1 : 0)
  );
}
