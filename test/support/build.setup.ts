import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The tests of the package and of the sample app run on what a user gets: built, unless it already is. */
export default function build(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`The package could not be built: ${stderr}`);
  }
}
