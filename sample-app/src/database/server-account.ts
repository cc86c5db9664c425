import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { StartupError } from '../startup/startup.error.js';

const run = promisify(execFile);

/** The user that the database server runs as. */
export interface ServerAccount {
  readonly uid?: number;
  readonly gid?: number;
}

const NAME = 'postgres';

/**
 * PostgreSQL refuses to run as root, so that root lends it the user `postgres`, creating it where there is none. Anybody else
 * runs it under their own name.
 *
 * @throws StartupError if there is no such user and none can be created
 */
export async function serverAccount(): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) {
    return {};
  }
  try {
    return await lookUp();
  } catch {
    try {
      await run('groupadd', ['--system', NAME]).catch(() => undefined);
      await run('useradd', ['--system', '--gid', NAME, NAME]);
      return await lookUp();
    } catch (cause) {
      throw new StartupError(
        `PostgreSQL does not run as root, and the user "${NAME}" could not be created. Start the app as another user, or set DATABASE_URL.`,
        { cause },
      );
    }
  }
}

async function lookUp(): Promise<ServerAccount> {
  const [uid, gid] = await Promise.all([run('id', ['-u', NAME]), run('id', ['-g', NAME])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
