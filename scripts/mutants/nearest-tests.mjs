import { existsSync } from 'node:fs';
import { join } from 'node:path';

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

/** The folders of tests that are about the room of a file, by its path below `lib/`. */
export function nearestTests(root, file) {
  const room = file.includes('/') ? file.split('/')[0] : 'nest';
  const folders = [`test/unit/${room}`, ...[room, ...(CONCERNS[room] ?? [])].map((name) => `test/integration/${name}`)];
  return folders.filter((folder) => existsSync(join(root, folder)));
}
