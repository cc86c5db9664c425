import { rmSync } from 'node:fs';
import stopPostgres = require('../../support/postgres.teardown');

export default async function removeAll(): Promise<void> {
  rmSync(process.env['SOFT_DELETE_APPLICATIONS']!, { recursive: true, force: true });
  await stopPostgres.default();
}
