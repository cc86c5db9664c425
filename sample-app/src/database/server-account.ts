import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
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
 * @param paths - what the server has to reach
 * @throws StartupError if there is no such user and none can be created, or it cannot reach the paths
 */
export async function serverAccount(...paths: readonly string[]): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const user = await lookUp().catch(createUser);
  const closed = paths.flatMap(ancestors).find((folder) => !admits(folder, user));
  if (closed) {
    throw new StartupError(
      `PostgreSQL does not run as root, and the user "${NAME}" cannot enter ${closed}. Move the project to a folder that others can enter, start the app as another user, or set DATABASE_URL.`,
    );
  }
  return user;
}

type User = { readonly uid: number; readonly gid: number };

async function lookUp(): Promise<User> {
  const [uid, gid] = await Promise.all([run('id', ['-u', NAME]), run('id', ['-g', NAME])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

async function createUser(): Promise<User> {
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

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return [...(parent === path ? [] : ancestors(parent)), path].filter((folder) => existsSync(folder));
}

function admits(folder: string, { uid, gid }: User): boolean {
  const { mode, uid: owner, gid: group } = statSync(folder);
  return Boolean(mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001));
}
