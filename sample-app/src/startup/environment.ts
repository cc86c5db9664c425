import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartupError } from './startup.error.js';

/** What the app reads from the environment, checked. */
export interface Environment {
  readonly port: number;
  /** An existing database. Without it the app starts a PostgreSQL of its own. */
  readonly databaseUrl: string | undefined;
  /** Where the app's own PostgreSQL keeps its data. */
  readonly dataFolder: string;
  readonly adminApiKey: string;
  readonly adminApiKeyGenerated: boolean;
  /** Whether the shop is to start as new: `npm start -- --fresh`. */
  readonly fresh: boolean;
}

/** @throws StartupError if a variable has a value that cannot work, or an argument is unknown */
export function readEnvironment(env: NodeJS.ProcessEnv, args: readonly string[] = []): Environment {
  const unknown = args.find((arg) => arg !== '--fresh');
  if (unknown !== undefined) {
    throw new StartupError(`There is no option "${unknown}". The only one is --fresh, which empties the shop first.`);
  }
  const fresh = args.includes('--fresh');
  if (fresh && databaseUrl(env)) {
    throw new StartupError(
      '--fresh empties the database that the app brings along, never one that DATABASE_URL names. Unset DATABASE_URL, or leave --fresh out.',
    );
  }
  const adminApiKey = env['ADMIN_API_KEY']?.trim();
  return {
    port: port(env['PORT']),
    databaseUrl: databaseUrl(env),
    dataFolder: dataFolder(env),
    adminApiKey: adminApiKey || randomBytes(16).toString('hex'),
    adminApiKeyGenerated: !adminApiKey,
    fresh,
  };
}

export function databaseUrl(env: NodeJS.ProcessEnv): string | undefined {
  const value = env['DATABASE_URL']?.trim();
  if (!value) {
    return undefined;
  }
  if (!URL.canParse(value) || !/^postgres(ql)?:$/.test(new URL(value).protocol)) {
    throw new StartupError(
      'DATABASE_URL is not the address of a PostgreSQL database. Write postgresql://user:password@host:5432/database, or unset it and the app starts its own.',
    );
  }
  return value;
}

export function dataFolder(env: NodeJS.ProcessEnv): string {
  return resolve(env['DATA_FOLDER']?.trim() || fileURLToPath(new URL('../../.data', import.meta.url)));
}

function port(value: string | undefined): number {
  const number = Number(value?.trim() || '3000');
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new StartupError(`PORT is "${value}". Write a number from 0 (any free port) to 65535.`);
  }
  return number;
}
