import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StartupError } from '../startup/startup.error.js';

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
export function serverAccount(): ServerAccount {
  if (process.getuid?.() !== 0) {
    return {};
  }
  return lookUp() ?? createUser();
}

/** Whether the server can get to a path: to the path itself, or as much of it as exists. */
export function canReach({ uid, gid }: ServerAccount, path: string): boolean {
  if (uid === undefined) {
    return true;
  }
  return ancestors(resolve(path)).every((each) => {
    const { mode, uid: owner, gid: group } = statSync(each);
    return Boolean(mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001));
  });
}

type User = Required<ServerAccount>;

function lookUp(): User | undefined {
  const [uid, gid] = ['-u', '-g'].map((which) => spawnSync('id', [which, NAME], { encoding: 'utf8' }));
  return uid!.status === 0 && gid!.status === 0 ? { uid: Number(uid!.stdout), gid: Number(gid!.stdout) } : undefined;
}

function createUser(): User {
  spawnSync('groupadd', ['--system', NAME]);
  const { error, stderr } = spawnSync('useradd', ['--system', '--gid', NAME, NAME], { encoding: 'utf8' });
  const user = lookUp();
  if (!user) {
    throw new StartupError(
      `PostgreSQL does not run as root, and the user "${NAME}" could not be created: ${error?.message ?? stderr}. Start the app as another user, or set DATABASE_URL.`,
    );
  }
  return user;
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return [...(parent === path ? [] : ancestors(parent)), path].filter((each) => existsSync(each));
}
