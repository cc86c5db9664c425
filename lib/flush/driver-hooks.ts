import { type Collection, type EntityMetadata, helper, type Transaction, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PhysicalDeletionError } from '../errors/physical-deletion.error.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { DriverHooks } from '../orm/hook-into-driver.js';
import { isArchived } from './archive-removals.js';
import { abortTransaction } from './finish-removals.js';
import { refusePhysicalCascade } from './refuse-physical-cascade.js';
import { refuseHiddenAlong } from './refuse-hidden-along.js';
import { removedLinks } from './plan/removed-links.js';
import type { SoftDeleteSubscriber } from './soft-delete.subscriber.js';
import { withActiveSnapshot } from './plan/unloaded-links.js';

/**
 * Lets a flush finish its deletions after its inserts and updates and before its commit. Collections that the driver would settle by
 * deleting rows it has not seen are settled softly instead, and many-to-many ones without the links of deleted rows.
 *
 * @internal
 */
export function driverHooks(
  em: EntityManager,
  subscriber: SoftDeleteSubscriber,
  catalog: SoftDeleteCatalog,
): DriverHooks {
  return {
    async beforeCollections(collections, { ctx, loggerId }) {
      const state = subscriber.current(ctx, loggerId);
      const others = [...collections].filter((collection) => !state?.unloaded.has(collection));
      const settled = await Promise.all(others.map((collection) => withActiveSnapshot(em, ctx, collection, catalog)));
      const manager = state?.em ?? managerOf(others) ?? em;
      const links = await removedLinks(manager, ctx, settled, catalog);
      try {
        await refusePhysicalCascade(manager, ctx, [...(state?.physical ?? []), ...links]);
      } catch (error) {
        await abortTransaction(manager, ctx);
        throw error;
      }
      return settled;
    },
    async afterCollections({ ctx, loggerId }) {
      const state = subscriber.current(ctx, loggerId);
      if (state) {
        await subscriber.finish(state, ctx);
      }
    },
    async aroundDelete(entityName, where, manager, options, isFlush, remove) {
      const ctx = options?.ctx;
      const meta = em.getMetadata().find(entityName);
      // Whatever a flush removes it has looked at already. What it still deletes here, no listener of this package has seen.
      if (isFlush && meta && catalog.findMarked(meta) && !isArchived(subscriber.current(ctx, undefined), where)) {
        throw new PhysicalDeletionError(meta.className, 'The flush');
      }
      if (manager && meta && !catalog.findMarked(meta) && catalog.allMarked().length > 0) {
        const qb = em
          .getDriver()
          .createQueryBuilder<object>(entityName, ctx, 'write')
          .select(meta.primaryKeys as never);
        const matching = Utils.isPrimaryKey(where)
          ? qb.where({ [meta.primaryKeys[0]!]: where })
          : qb.where(where as never);
        await refuseAlong(meta, matching.toQuery(), manager, ctx);
      }
      return meta && !catalog.findMarked(meta) && (manager || isFlush)
        ? refuseHiddenAlong(manager ?? em.fork({ schema: options?.schema }), ctx, meta, remove)
        : remove(ctx);
    },
    beforeBuiltDelete: refuseAlong,
  };
}

async function refuseAlong(
  meta: EntityMetadata,
  { sql, params }: { readonly sql: string; readonly params: readonly unknown[] },
  manager: EntityManager,
  ctx: Transaction | undefined,
): Promise<void> {
  const key = primaryColumns(meta.root).map((column) => `p.${manager.getPlatform().quoteIdentifier(column)}`);
  const condition = { sql: `(${key.join(', ')}) in (${sql})`, params };
  await refusePhysicalCascade(manager, ctx, [{ meta, condition }]);
}

/** The root manager, which the hooks have, is nobody's context. */
function managerOf([collection]: readonly Collection<object>[]): EntityManager | undefined {
  return collection && (helper(collection.owner as object).__em as EntityManager | undefined);
}
