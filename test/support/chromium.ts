import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A real browser without a window: the one that CHROMIUM names, or the one of the system. */
export async function launchChromium(): Promise<Browser> {
  const found = NAMES.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout?.trim()).find(Boolean);
  const executablePath = process.env['CHROMIUM'] ?? found;
  if (!executablePath) {
    throw new Error(
      'No Chromium: install one (apt-get install chromium), or name it: CHROMIUM=/path/to/chromium npm test',
    );
  }
  // Root has no sandbox, and a container may have no shared memory to speak of.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
