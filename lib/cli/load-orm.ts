import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import { firstLine } from '../errors/text/first-line.js';
import { CliError } from './cli.error.js';

/** Where the application's MikroORM configuration is. @internal */
export interface OrmLocation {
  /** A path instead of those that the ORM's own CLI looks at. */
  readonly config?: string;
  readonly contextName?: string;
}

/** The application's ORM and where its configuration was found. @internal */
export interface LoadedOrm {
  readonly orm: MikroORM;
  /** The path of the configuration. */
  readonly found: string;
}

/**
 * The application's ORM, found as MikroORM's own CLI finds it: by `MIKRO_ORM_CLI_CONFIG`, the `mikro-orm` section of the
 * package.json, or the usual places; TypeScript first, where it can be read.
 *
 * @param needsDatabase - whether to make sure that the database answers
 * @throws CliError if there is none, or if its database cannot be reached
 * @internal
 */
export async function loadOrm({ config, contextName }: OrmLocation, needsDatabase: boolean): Promise<LoadedOrm> {
  const { CLIHelper } = await importOrmCli();
  const settings = CLIHelper.getSettings();
  if (mayBeTypeScript(config, settings)) {
    // As `configure()` of the ORM's CLI does: without it, `getConfigPaths()` leaves out everything that ends in `.ts`.
    const isRegistered = await CLIHelper.registerTypeScriptSupport(settings.tsConfigPath, settings.tsLoader);
    if (!isRegistered) {
      process.env['MIKRO_ORM_CLI_PREFER_TS'] ??= '0';
    }
  } else {
    process.env['MIKRO_ORM_CLI_PREFER_TS'] ??= '0';
  }
  const paths = config ? [config] : await CLIHelper.getConfigPaths();
  const found = paths.find((path) => existsSync(resolve(path)));
  if (found === undefined) {
    throw new CliError(
      config
        ? `There is no file ${config}.`
        : `No MikroORM configuration found in ${paths.join(', ')}. Run the command in the application's folder, or pass --config.`,
    );
  }
  let orm: MikroORM;
  try {
    orm = (await CLIHelper.getORM(contextName, [found])) as unknown as MikroORM;
  } catch (error) {
    throw new CliError(`The MikroORM configuration ${found} does not work: ${firstLine(error)}`);
  }
  if (needsDatabase) {
    try {
      await orm.em.getConnection().execute('select 1');
    } catch (error) {
      await orm.close(true);
      throw new CliError(`The database of ${found} cannot be reached: ${firstLine(error)}`);
    }
  }
  return { orm, found };
}

/** Whether a TypeScript configuration is there. Where there is none, no loader is missed either. */
function mayBeTypeScript(
  config: string | undefined,
  { preferTs, configPaths = [] }: { preferTs?: boolean; configPaths?: string[] },
): boolean {
  const candidates = config
    ? [config]
    : [process.env['MIKRO_ORM_CLI_CONFIG'] ?? '', ...configPaths, './src/mikro-orm.config.ts', './mikro-orm.config.ts'];
  return preferTs !== false && candidates.some((path) => /\.[mc]?ts$/.test(path) && existsSync(resolve(path)));
}

async function importOrmCli(): Promise<typeof import('@mikro-orm/cli')> {
  try {
    return await import('@mikro-orm/cli');
  } catch {
    throw new CliError('The package @mikro-orm/cli is not installed. Install it: npm install @mikro-orm/cli');
  }
}
