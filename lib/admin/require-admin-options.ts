import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import { isEntityName } from './admin-entity.js';
import { ENGLISH } from './admin-texts.js';
import type {
  AdminDynamicOptions,
  AdminEntityOptions,
  AdminStaticOptions,
  SoftDeleteAdminAsyncOptions,
} from './soft-delete-admin.options.js';

const STATIC = ['path', 'guards', 'imports', 'credentials', 'ui', 'contextName'] as const;
const DYNAMIC = ['entities', 'can', 'actor', 'locale'] as const;
const ASYNC = ['useFactory', 'inject', 'useClass', 'useExisting'] as const;
const ENTITY = ['entity', 'label', 'columns', 'search'] as const;
const ASYNC_WAYS = ['useFactory', 'useClass', 'useExisting'] as const;

/** @throws SoftDeleteConfigError if an option of `forRoot()` is unknown, missing or cannot work. @internal */
export function requireAdminOptions(options: AdminStaticOptions & AdminDynamicOptions): void {
  const where = 'SoftDeleteAdminModule.forRoot()';
  refuseUnknownOptions(where, options, [...STATIC, ...DYNAMIC]);
  requireStatic(where, options);
  requireDynamic(where, options);
}

/** @throws SoftDeleteConfigError if an option of `forRootAsync()` is unknown, missing or cannot work. @internal */
export function requireAsyncAdminOptions(options: SoftDeleteAdminAsyncOptions): void {
  const where = 'SoftDeleteAdminModule.forRootAsync()';
  refuseUnknownOptions(where, options, [...STATIC, ...ASYNC]);
  requireStatic(where, options);
  const given = ASYNC_WAYS.filter((way) => options[way]);
  if (given.length !== 1) {
    throw new SoftDeleteConfigError(
      where,
      given.length === 0 ? 'nothing says where the options come from.' : `${given.join(' and ')} are both given.`,
      'Write one of useFactory: () => ({ … }), useClass: SomeOptionsFactory or useExisting: SomeOptionsFactory.',
    );
  }
}

/** @throws SoftDeleteConfigError if a factory returned an option that is unknown or cannot work. @internal */
export function requireProducedOptions(options: AdminDynamicOptions): void {
  const where = 'SoftDeleteAdminModule.forRootAsync(), the options factory';
  refuseUnknownOptions(where, options, DYNAMIC);
  requireDynamic(where, options);
}

function requireStatic(where: string, options: AdminStaticOptions): void {
  const { path, guards, credentials } = options;
  if (typeof path !== 'string' || !/^\/?[\w.~-]+(\/[\w.~-]+)*\/?$/.test(path)) {
    throw new SoftDeleteConfigError(
      `${where}, path`,
      `${showValue(path)} is not the path of a page.`,
      "Write for example 'admin/deleted', without parameters.",
    );
  }
  const isList = Array.isArray(guards) && guards.length > 0 && guards.every(isGuard);
  if (guards !== 'none' && !isList) {
    throw new SoftDeleteConfigError(
      `${where}, guards`,
      `${showValue(guards)} lets everybody read, restore and remove deleted rows.`,
      "Write [AdminGuard], or 'none' if something in front of the application restricts access.",
    );
  }
  const isHeader = typeof credentials === 'object' && credentials !== null && isHeaderName(credentials.header);
  if (credentials !== undefined && credentials !== 'cookie' && credentials !== 'bearer' && !isHeader) {
    throw new SoftDeleteConfigError(
      `${where}, credentials`,
      `${showValue(credentials)} cannot be sent by a browser.`,
      "Write 'cookie', 'bearer' or { header: 'x-api-key' }.",
    );
  }
  if (isHeader) {
    refuseUnknownOptions(`${where}, credentials`, credentials, ['header']);
  }
  requireType(`${where}, imports`, options.imports, 'list');
  requireType(`${where}, ui`, options.ui, 'boolean');
  requireType(`${where}, contextName`, options.contextName, 'string');
}

function requireDynamic(where: string, options: AdminDynamicOptions): void {
  requireType(`${where}, entities`, options.entities, 'list');
  requireType(`${where}, can`, options.can, 'function');
  requireType(`${where}, actor`, options.actor, 'function');
  requireType(`${where}, locale`, options.locale, 'object');
  if (options.locale) {
    refuseUnknownOptions(`${where}, locale`, options.locale, Object.keys(ENGLISH));
    for (const [name, text] of Object.entries(options.locale)) {
      requireType(`${where}, locale.${name}`, text, 'string');
    }
  }
  for (const [i, item] of (options.entities ?? []).entries()) {
    requireEntity(`${where}, entities[${i}]`, item);
  }
}

function requireEntity(where: string, item: unknown): void {
  if (isEntityName(item)) {
    return;
  }
  if (!isEntityName((item as AdminEntityOptions | null | undefined)?.entity)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(item)} is not an entity.`,
      'Write an entity or { entity: Customer, … }. An undefined one usually comes from a circular import.',
    );
  }
  const options = item as AdminEntityOptions;
  refuseUnknownOptions(where, options, ENTITY);
  requireType(`${where}, label`, options.label, 'function');
  requireType(`${where}, columns`, options.columns, 'list');
  requireType(`${where}, search`, options.search, 'list');
}

function isGuard(guard: unknown): boolean {
  return typeof guard === 'function' || typeof (guard as { canActivate?: unknown } | null)?.canActivate === 'function';
}

function isHeaderName(name: unknown): boolean {
  return typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}
