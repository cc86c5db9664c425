import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../startup/startup.error.js';

const run = promisify(execFile);

/** The user that the database server runs as, and how a program is started under that name. */
export interface ServerAccount {
  readonly uid?: number;
  readonly gid?: number;
  /** Goes before the program and its arguments. */
  readonly prefix: readonly string[];
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
    return { prefix: [] };
  }
  const user = await lookUp().catch(createUser);
  const closed = paths.flatMap(ancestors).find((folder) => !admits(folder, user));
  return { ...user, prefix: closed ? await withPassage(user, closed) : [] };
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

/** Root's own folders are closed to others. Linux can give the user the right to pass through them, for this process alone. */
async function withPassage({ uid, gid }: User, closed: string): Promise<readonly string[]> {
  const prefix = [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ];
  try {
    await run(prefix[0]!, [...prefix.slice(1), 'stat', `${closed}/.`]);
    return prefix;
  } catch (cause) {
    throw new StartupError(
      `PostgreSQL does not run as root, and the user "${NAME}" cannot enter ${closed}. Move the project to a folder that others can enter, start the app as another user, or set DATABASE_URL.`,
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
