import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Utils } from '@mikro-orm/core';
import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { UnsupportedOrmVersionError } from '../errors/unsupported-orm-version.error.js';
import type { OrmParts } from '../installation/orm-parts.js';
import { checkTouches, touchedParts, type TouchedParts } from './check-touches.js';

/**
 * The versions of MikroORM that the tests run with, as the peer dependency says. Up to 7.1.14 filters that name classes never apply;
 * newer minor versions are added once they were tested.
 *
 * @internal
 */
export const SUPPORTED_ORM = { from: [7, 1, 15], before: [7, 3, 0], text: '>=7.1.15 <7.3.0' } as const;

/**
 * Refuses an ORM that this package cannot work on. Asks no database.
 *
 * @throws SoftDeleteConfigError if the driver is not the one of PostgreSQL
 * @throws UnsupportedOrmVersionError if its version is not supported, its packages have several, or a part of it is missing
 * @internal
 */
export function requireSupportedOrm(orm: Pick<OrmParts, 'config' | 'getDriver'>): void {
  requirePostgres(orm);
  const found = { '@mikro-orm/core': Utils.getORMVersion(), ...installedVersions() };
  requireVersions(found);
  requireTouches(found, touchedParts());
}

/**
 * @throws UnsupportedOrmVersionError naming what is missing or has changed
 * @internal
 */
export function requireTouches(found: Readonly<Record<string, string>>, parts: TouchedParts): void {
  const missing = checkTouches(parts);
  if (missing.length > 0) {
    throw new UnsupportedOrmVersionError(found, SUPPORTED_ORM.text, missing);
  }
}

/** @internal */
export function requireVersions(found: Readonly<Record<string, string>>): void {
  const versions = Object.values(found);
  if (new Set(versions).size > 1 || !versions.every(isSupported)) {
    throw new UnsupportedOrmVersionError(found, SUPPORTED_ORM.text);
  }
}

/** By what the driver speaks and not by its class: applications extend it. */
function requirePostgres(orm: Pick<OrmParts, 'config' | 'getDriver'>): void {
  const driver = orm.getDriver();
  const platform = driver.getPlatform() as { constructor: { name: string } };
  const names = lineage(platform).map(({ name }) => name);
  const connects = typeof (driver as unknown as { createQueryBuilder?: unknown }).createQueryBuilder === 'function';
  if (!connects || !names.includes('PostgreSqlPlatform')) {
    throw new SoftDeleteConfigError(
      'driver',
      `the MikroORM instance ${showValue(orm.config.get('contextName'))} uses ${driver.constructor.name}, but soft deletion works only on PostgreSQL.`,
      'Use MikroORM from @mikro-orm/postgresql (driver: PostgreSqlDriver). For an ORM over another database, leave SoftDeleteModule, softDelete() and installSoftDelete() out.',
    );
  }
}

function lineage(platform: object): { readonly name: string }[] {
  const classes: { readonly name: string }[] = [];
  for (let at = Object.getPrototypeOf(platform); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    classes.push(at.constructor);
  }
  return classes;
}

/** Of the packages that this one loads; a pre-release counts as the version it leads to. */
function installedVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const postgresql = resolvePackage(require, '@mikro-orm/postgresql');
  const sql = postgresql && resolvePackage(createRequire(postgresql), '@mikro-orm/sql');
  return Object.fromEntries(
    [postgresql, sql].flatMap((path) => {
      const { name, version } = path ? JSON.parse(readFileSync(path, 'utf8')) : {};
      return name ? [[name, version]] : [];
    }),
  );
}

/** `undefined` where packages are bundled and have no files of their own. */
function resolvePackage(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

function isSupported(version: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  return parts !== undefined && compare(parts, SUPPORTED_ORM.from) >= 0 && compare(parts, SUPPORTED_ORM.before) < 0;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}
