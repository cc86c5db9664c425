import type { EntityClass, EntityName } from '@mikro-orm/core';
import type { CanActivate, ExecutionContext, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import type { AdminTexts } from './admin-texts.js';

/**
 * What somebody may want to do on the admin page. `'list'` shows an entity at all, `'view'` opens one row with its fields,
 * `'restore'` covers the page's *Undo* too, and `'purge'` is asked without an entity. A preview needs the same permission.
 *
 * @publicApi
 */
export type AdminAction = 'list' | 'view' | 'restore' | 'remove' | 'purge' | 'hold';

/**
 * How the page proves who is asking. `'cookie'`: by what the browser sends anyway. Else the page asks for a key, keeps it in
 * `sessionStorage` and sends it in a header.
 *
 * @publicApi
 */
export type AdminCredentials = 'cookie' | 'bearer' | { readonly header: string };

/**
 * One entity on the admin page.
 *
 * @publicApi
 */
export interface AdminEntityOptions<Entity extends object = any> {
  entity: EntityName<Entity>;
  /**
   * What a row is called. The entity is loaded without its relations.
   *
   * @default its `name`, `title`, `label`, `email` or `slug`, the first that there is; else its key
   */
  label?: (entity: Entity) => string;
  /**
   * Further properties that the table shows.
   *
   * @default the first three short ones
   */
  columns?: readonly (keyof Entity & string)[];
  /**
   * The properties that the search looks at: text, neither hidden nor lazy.
   *
   * @default those that are text
   */
  search?: readonly (keyof Entity & string)[];
}

/** Options that may come from a factory. */
export interface AdminDynamicOptions {
  /**
   * The entities that the page shows, in its order.
   *
   * @default all marked ones
   */
  entities?: readonly (AdminEntityOptions | AnyEntityName)[];
  /**
   * Who may do what, beyond the guards. `entity` is its class, and `undefined` for `'purge'`. An entity that may not be listed does not
   * exist as far as the caller can tell.
   *
   * @default everybody whom the guards let through may do everything
   */
  can?: (
    action: AdminAction,
    entity: EntityClass<object> | undefined,
    context: ExecutionContext,
  ) => boolean | Promise<boolean>;
  /**
   * Who is acting, for events and records.
   *
   * @default the `actor()` of `SoftDeleteModule`
   */
  actor?: (context: ExecutionContext) => string | undefined;
  /** Texts of the page in another language or with other words. Those that are left out are English. */
  locale?: Partial<AdminTexts>;
}

/** Options that routes and injection tokens are made of. */
export interface AdminStaticOptions {
  /** Where the page is, below the application's global prefix: `'admin/deleted'`. */
  path: string;
  /** The guards of the page and its API, as for `@UseGuards()`. `'none'` leaves both open to everybody, and warns at start-up. */
  guards: readonly (Type<CanActivate> | CanActivate)[] | 'none';
  /** What the guards need injected. */
  imports?: ModuleMetadata['imports'];
  /**
   * How the page proves who is asking. With anything but `'cookie'` the page and its assets, which hold no data, are open, and the API
   * alone is guarded: a browser cannot send a header for a page.
   *
   * @default 'cookie'
   */
  credentials?: AdminCredentials;
  /**
   * Whether there is a page; `false` leaves the API alone.
   *
   * @default true
   */
  ui?: boolean;
  /**
   * Which MikroORM instance.
   *
   * @default the instance registered without a name
   */
  contextName?: string;
}

/**
 * Options of `SoftDeleteAdminModule.forRoot()`.
 *
 * @publicApi
 */
export interface SoftDeleteAdminOptions extends AdminStaticOptions, AdminDynamicOptions {}

/**
 * What a class given to `SoftDeleteAdminModule.forRootAsync()` as `useClass` or `useExisting` implements.
 *
 * @publicApi
 */
export interface SoftDeleteAdminOptionsFactory {
  createSoftDeleteAdminOptions(): AdminDynamicOptions | Promise<AdminDynamicOptions>;
}

/**
 * Options of `SoftDeleteAdminModule.forRootAsync()`: one of `useFactory`, `useClass` and `useExisting`, and beside it what routes are made
 * of.
 *
 * @publicApi
 */
export interface SoftDeleteAdminAsyncOptions extends AdminStaticOptions {
  useFactory?: (...args: any[]) => AdminDynamicOptions | Promise<AdminDynamicOptions>;
  inject?: FactoryProvider['inject'];
  useClass?: Type<SoftDeleteAdminOptionsFactory>;
  useExisting?: Type<SoftDeleteAdminOptionsFactory>;
}
