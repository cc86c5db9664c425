import { access, constants, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
/** What the databases of a run of the tests need at most, and as much again. */
const NEEDED = 4 * 2 ** 30;

/**
 * Where data goes that nobody wants back: into memory where there is plenty, otherwise into the folder for temporary files. A database
 * has 300 files, and ext4 passes over the inodes of all files that were removed in the last seconds (`recently_deleted`): creating and
 * dropping one costs up to ten times as much there.
 */
export async function throwAwayFolder() {
  if (process.availableMemory() < NEEDED) {
    return tmpdir();
  }
  try {
    await access(MEMORY, constants.W_OK);
    const { type, bavail, bsize } = await statfs(MEMORY);
    return type === TMPFS && bavail * bsize >= NEEDED ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
