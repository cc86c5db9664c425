import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import { CliError } from './cli.error.js';

/** Where the application's MikroORM configuration is. @internal */
export interface OrmLocation {
  /** A path instead of those that the ORM's own CLI looks at. */
  readonly config?: string;
  readonly contextName?: string;
}

/**
 * The application's ORM, found as MikroORM's own CLI finds it: by `MIKRO_ORM_CLI_CONFIG`, the `mikro-orm` section of the
 * package.json, or the usual places.
 *
 * @throws CliError if there is none, or if its database cannot be reached
 * @internal
 */
export async function loadOrm({ config, contextName }: OrmLocation): Promise<MikroORM> {
  const { CLIHelper } = await importOrmCli();
  const paths = config ? [config] : await CLIHelper.getConfigPaths();
  const found = paths.find((path) => existsSync(resolve(path)));
  if (found === undefined) {
    throw new CliError(
      config
        ? `There is no file ${config}.`
        : `No MikroORM configuration found in ${paths.join(', ')}. Run the command in the application's folder, or pass --config.`,
    );
  }
  if (/\.[mc]?ts$/.test(found)) {
    const { tsConfigPath, tsLoader } = CLIHelper.getSettings();
    await CLIHelper.registerTypeScriptSupport(tsConfigPath, tsLoader);
  } else {
    process.env['MIKRO_ORM_CLI_PREFER_TS'] ??= '0';
  }
  let orm: MikroORM;
  try {
    orm = (await CLIHelper.getORM(contextName, [found])) as unknown as MikroORM;
  } catch (cause) {
    throw new CliError(`The MikroORM configuration ${found} does not work: ${firstLine(cause)}`, cause);
  }
  try {
    await orm.em.getConnection().execute('select 1');
    return orm;
  } catch (cause) {
    await orm.close(true);
    throw new CliError(`The database cannot be reached: ${firstLine(cause)}`, cause);
  }
}

async function importOrmCli(): Promise<typeof import('@mikro-orm/cli')> {
  try {
    return await import('@mikro-orm/cli');
  } catch (cause) {
    throw new CliError('The package @mikro-orm/cli is not installed. Install it: npm install @mikro-orm/cli', {
      cause,
    });
  }
}

/** @internal */
export function firstLine(error: unknown): string {
  // An attempt on several addresses of a host fails with one error that has no message of its own.
  const { errors } = error as { errors?: unknown[] };
  const message =
    error instanceof Error ? error.message || String((errors?.[0] as Error)?.message ?? error) : String(error);
  return message.trim().split('\n', 1)[0]!;
}
