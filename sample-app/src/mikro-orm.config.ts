import { embeddedServerUrl } from './database/embedded-server.js';
import { ormOptions } from './orm-options.js';
import { databaseUrl, dataFolder } from './startup/environment.js';
import { StartupError } from './startup/startup.error.js';

const url = databaseUrl(process.env) ?? embeddedServerUrl(dataFolder(process.env));
if (!url) {
  throw new StartupError(
    'No database is running. Start the sample app first, which brings its own, or set DATABASE_URL.',
  );
}

/** For the command lines: `npx mikro-orm …` and `npx soft-delete …` work on the database of the running app. */
export default ormOptions(url);
