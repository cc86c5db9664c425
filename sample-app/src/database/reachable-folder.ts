import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canReach, serverAccount } from './server-account.js';

/** Where root keeps what the user `postgres` cannot get to in the project's own folder. Only root can write there. */
export const SHARED_FOLDER = '/var/lib/nestjs-mikro-orm-soft-delete';

/**
 * The folder that holds the database: the one asked for, or, where root keeps the project in a folder that others cannot enter
 * (`/root`, `mktemp -d`), one of the same data folder's own below `SHARED_FOLDER`.
 */
export function reachableFolder(dataFolder: string): string {
  return canReach(serverAccount(), dataFolder)
    ? dataFolder
    : join(SHARED_FOLDER, `data-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`);
}
