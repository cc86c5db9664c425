import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The files of the admin page, which are served as they are built. */
export function buildAdminPage(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build-admin-page.mjs', import.meta.url))]);
}
