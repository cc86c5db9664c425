import { relative } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/**
 * The files that take longest, each alone on a core, the longest first. Jest orders files by how long they took the last time, which
 * nobody knows on a clean clone, and by their size then, which says little here: a long one that begins last leaves the other cores idle.
 */
const LONG = [
  'test/integration/model/model.test.ts',
  'test/integration/cli/cli.test.ts',
  'test/applications/purge-queues.test.ts',
  'test/integration/compliance/killed-purges.test.ts',
  'test/e2e/admin-page.test.ts',
  'test/integration/purge/processes.test.ts',
  'test/integration/deletion/names.test.ts',
  'test/e2e/start-and-stop.test.ts',
  'test/integration/interleavings/deletions.test.ts',
  'test/integration/cli/hold.test.ts',
  'test/applications/quick-start.test.ts',
  'test/integration/archive/interruptions.test.ts',
  'test/integration/purge/replication-lag.test.ts',
  'test/integration/purge/faults.test.ts',
  'test/integration/deletion/sizes.test.ts',
];

export default class LongFilesFirst extends TestSequencer {
  sort(tests) {
    const place = ({ path, context }) => LONG.indexOf(relative(context.config.rootDir, path).replaceAll('\\', '/'));
    const sorted = super.sort(tests);
    const long = sorted.filter((test) => place(test) !== -1).toSorted((one, other) => place(one) - place(other));
    return [...long, ...sorted.filter((test) => !long.includes(test))];
  }
}
