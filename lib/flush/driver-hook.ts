import type { EntityManager } from '@mikro-orm/postgresql';
import { type Collection, helper, Utils } from '@mikro-orm/core';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { primaryColumns } from '../metadata/relation-graph.js';
import { abortTransaction } from './finish-removals.js';
import { refusePhysicalCascade } from './refuse-physical-cascade.js';
import { isArchived } from './archive-removals.js';
import { removedLinks } from './removed-links.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { withActiveSnapshot } from './unloaded-links.js';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';

/**
 * Lets a flush finish its deletions after its inserts and updates and before its commit. The ORM has no event for this moment, but
 * it always synchronises collections there, through the driver, even when there are none (`persistToDatabase` in
 * `UnitOfWork.js`). Collections that the driver would settle by deleting rows it has not seen are settled softly instead,
 * and many-to-many ones without the links of deleted rows.
 *
 * @internal
 */
export function hookIntoDriver(em: EntityManager, subscriber: SoftDeleteSubscriber, catalog: SoftDeleteCatalog): void {
  const driver = em.getDriver();
  const syncCollections = driver.syncCollections.bind(driver);
  driver.syncCollections = async (collections, options, ...rest: []) => {
    const state = subscriber.current(options?.ctx, options?.loggerContext?.['id']);
    const others = [...collections].filter((collection) => !state?.unloaded.has(collection));
    const settled = await Promise.all(
      others.map((collection) => withActiveSnapshot(em, options?.ctx, collection, catalog)),
    );
    const manager = state?.em ?? managerOf(others) ?? em;
    const links = await removedLinks(manager, options?.ctx, settled, catalog);
    try {
      await refusePhysicalCascade(manager, options?.ctx, [...(state?.physical ?? []), ...links]);
    } catch (error) {
      await abortTransaction(manager, options?.ctx);
      throw error;
    }
    await syncCollections(settled, options, ...rest);
    if (state) {
      await subscriber.finish(state, options?.ctx);
    }
  };
  const nativeDelete = driver.nativeDelete.bind(driver);
  driver.nativeDelete = async (entityName, where, options, ...rest: []) => {
    // Whatever a flush removes it has looked at already. Only `em.nativeDelete()` passes itself on.
    const manager = (options as { em?: EntityManager } | undefined)?.em;
    const meta = em.getMetadata().find(entityName as never);
    // A flush passes its transaction (`executeDeletes` in `ChangeSetPersister.js`), the schema generator has none. What a flush still
    // deletes here, no listener of this package has seen.
    const isFlush = !manager && meta && options && 'ctx' in options;
    if (isFlush && catalog.findMarked(meta) && !isArchived(subscriber.current(options.ctx, undefined), where)) {
      throw new PhysicalDeletionError(meta.className, 'The flush');
    }
    if (manager && meta && !catalog.findMarked(meta) && catalog.all().length + catalog.allArchived().length > 0) {
      const key = primaryColumns(meta.root).map((column) => `p.${em.getPlatform().quoteIdentifier(column)}`);
      const qb = driver.createQueryBuilder<any>(entityName, options?.ctx, 'write').select(meta.primaryKeys as never);
      const matching = Utils.isPrimaryKey(where)
        ? qb.where({ [meta.primaryKeys[0]!]: where })
        : qb.where(where as never);
      const { sql, params } = matching.toQuery();
      const condition = { sql: `(${key.join(', ')}) in (${sql})`, params };
      await refusePhysicalCascade(manager, options?.ctx, [{ meta, condition }]);
    }
    return nativeDelete(entityName, where, options, ...rest);
  };
}

/** The root manager, which the hook has, is nobody's context. */
function managerOf([collection]: readonly Collection<any>[]): EntityManager | undefined {
  return collection && (helper(collection.owner as object).__em as EntityManager | undefined);
}
