import type { AdminTexts } from '../admin-texts.js';
import type { AdminCredentials } from '../soft-delete-admin.options.js';

interface Config {
  readonly credentials: AdminCredentials;
  readonly locale: Partial<AdminTexts>;
}

/** Where the page is rendered, and what the server has written there. */
export const root = document.getElementById('page')!;
export const config = JSON.parse(root.dataset['config']!) as Config;
