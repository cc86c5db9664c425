import type { Collection, EntityMetadata, EntityName, Transaction } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/** What identifies a flush to the driver. @internal */
export interface FlushIdentity {
  readonly ctx: Transaction | undefined;
  readonly loggerId: unknown;
}

/** What is done where the driver is the last to hear of a flush or a bulk deletion. @internal */
export interface DriverHooks {
  /** After a flush has written its rows and before the driver settles collections. @returns those that it is to settle */
  beforeCollections(collections: Iterable<Collection<any>>, flush: FlushIdentity): Promise<Iterable<Collection<any>>>;
  /** After that, before the commit. */
  afterCollections(flush: FlushIdentity): Promise<void>;
  /**
   * Around a deletion of rows.
   *
   * @param remove - deletes them, in a transaction other than the given one where one is needed
   * @param manager - the entity manager, for `em.nativeDelete()` alone
   * @param isFlush - whether it may be a flush, which passes its transaction (`executeDeletes` in `ChangeSetPersister.js`); the schema
   * generator has none
   */
  aroundDelete<Result>(
    entityName: EntityName<any>,
    where: unknown,
    manager: EntityManager | undefined,
    options: { readonly ctx?: Transaction; readonly schema?: string } | undefined,
    isFlush: boolean,
    remove: (ctx: Transaction | undefined) => Promise<Result>,
  ): Promise<Result>;
  /**
   * Before a query builder deletes rows that are not soft-deletable.
   *
   * @param keys - a query for their keys
   */
  beforeBuiltDelete(
    meta: EntityMetadata,
    keys: { readonly sql: string; readonly params: readonly unknown[] },
    manager: EntityManager,
    ctx: Transaction | undefined,
  ): Promise<void>;
}

const hooksOfDrivers = new WeakMap<object, DriverHooks>();

/** The hooks of the driver that an entity manager works with. @internal */
export function hooksOf(em: EntityManager): DriverHooks | undefined {
  return hooksOfDrivers.get(em.getDriver());
}

/**
 * Calls hooks at the end of flushes and before deletions. The ORM has no event for these moments, but it always synchronises collections
 * after inserts, updates and deletes and before the commit, through the driver, even when there are none (`persistToDatabase` in
 * `UnitOfWork.js`).
 *
 * @internal
 */
export function hookIntoDriver(em: EntityManager, hooks: DriverHooks): void {
  const driver = em.getDriver();
  hooksOfDrivers.set(driver, hooks);
  const syncCollections = driver.syncCollections.bind(driver);
  driver.syncCollections = async (collections, options, ...rest: []) => {
    const flush = { ctx: options?.ctx, loggerId: options?.loggerContext?.['id'] as unknown };
    await syncCollections(await hooks.beforeCollections(collections, flush), options, ...rest);
    await hooks.afterCollections(flush);
  };
  const nativeDelete = driver.nativeDelete.bind(driver);
  driver.nativeDelete = async (entityName, where, options, ...rest: []) => {
    // Only `em.nativeDelete()` passes itself on.
    const manager = (options as { em?: EntityManager } | undefined)?.em;
    const isFlush = !manager && options !== undefined && 'ctx' in options;
    return hooks.aroundDelete(entityName, where, manager, options, isFlush, (ctx) =>
      nativeDelete(entityName, where, ctx === options?.ctx ? options : { ...options, ctx }, ...rest),
    );
  };
}
