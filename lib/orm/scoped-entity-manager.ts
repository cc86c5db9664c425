import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Dictionary,
  type EntityMetadata,
  type FilterOptions,
  TransactionPropagation,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import type { EntityManagerClass } from '../installation/orm-parts.js';
import { metadataOf } from '../metadata/metadata-of.js';
import { borrowsFrom, takeBackEntities, worksFor } from '../installation/outer-managers.js';
import { cacheName } from './cache-name.js';
import { whileJoining } from './loading/chosen-part.js';
import { applyBeside, leavesFilterOn } from './filter-condition.js';
import { forgetWhileRefreshed } from './loading/forget-while-refreshed.js';
import { GuardedQueryBuilder } from './guarded-query-builder.js';
import { holdsDeletedInverse, inverseReferences } from './loading/inverse-references.js';
import { readScope } from './read-scope.js';
import { refuseKyselyDeletes } from './refuse-kysely-deletes.js';
import { scopeFilters } from '../metadata/scope-options.js';
import { hasShownDeleted, sharesWhatWasShown, showActive } from './loading/show-active.js';
import { scopeLoading } from './loading/scope-loading.js';
import { ScopedQueryBuilder } from './scoped-query-builder.js';

type Read = (...args: any[]) => Promise<any>;
type Write<Result = any> = (...args: any[]) => Promise<Result>;
type LoaderType = 'ref' | '1:m' | 'm:n' | 'count';

/**
 * A class of entity managers that keep apart what they read under one scope and under another: collections and references in the
 * identity map, batches of dataloaders, entries of the result cache.
 *
 * @internal
 */
export function scopedEntityManager(Base: EntityManagerClass, installation: Installation): EntityManagerClass {
  const { catalog, scope, transactions } = installation;
  const counting = new AsyncLocalStorage<true>();
  const loaders = new WeakMap<object, Map<string, unknown>>();
  /**
   * What is written while an operation has a savepoint open would go with it if it is refused. No private method: a root that is
   * older than the installation becomes one of this class without its constructor, and has none.
   */
  const alone = <Result>(em: EntityManager, write: () => Promise<Result>): Promise<Result> =>
    transactions.inTurn((em.getContext(false) as EntityManager).getTransactionContext<Transaction>(), write);

  /** Has what a read hands out show what its scope shows. */
  const handOut = (em: EntityManager, options: { filters?: FilterOptions } | undefined, found: any): any => {
    const current = em.getContext(false) as EntityManager;
    if (readScope(installation, options?.filters) !== 'active') {
      hasShownDeleted(current);
    } else {
      showActive(current, Utils.asArray(found), installation);
    }
    return found;
  };

  class ScopedEntityManager extends Base {
    constructor(...args: any[]) {
      super(...args);
      scopeLoading(this, installation);
    }

    /** What the identity map holds is what is asked for under the active scope only. */
    protected override shouldRefresh(meta: EntityMetadata<any>, entity: any, options: any): boolean {
      const current = scope.getStore() ?? 'active';
      const deletedAt = catalog.find(meta)?.property;
      const mayDiffer =
        // Deleted rows are asked for again (`LoadedWhileActive`), those too that the application itself has given a time of deletion.
        (deletedAt !== undefined && entity[deletedAt] != null) ||
        (current === 'only' && deletedAt !== undefined) ||
        (current === 'active'
          ? holdsDeletedInverse(entity, meta, catalog)
          : inverseReferences(meta, catalog).length > 0);
      return mayDiffer || super.shouldRefresh(meta, entity, options);
    }

    /**
     * Reads a deleted row as well, where the ORM would take it for one that is gone and have every reference to it forget it
     * (`unsetIdentity` in `UnitOfWork.js`). What the scope hides is `null` all the same.
     */
    override async refresh(entity: any, options: any = {}): Promise<any> {
      const entry = catalog.find(metadataOf(this, entity));
      const current = readScope(installation, options.filters);
      if (!entry) {
        return super.refresh(entity, options);
      }
      const refresh = (how: any) =>
        forgetWhileRefreshed(this, entity, entry.property, () => super.refresh(entity, how) as Promise<any>);
      if (current === 'with') {
        return refresh(options);
      }
      const { populate, ...row } = options;
      const refreshed = await refresh({ ...row, filters: scopeFilters('with', options.filters) });
      if (!refreshed || (entity[entry.property] == null) !== (current === 'active')) {
        return null;
      }
      return populate ? super.refresh(entity, options) : refreshed;
    }

    /**
     * With `clear`, the work has an identity map of its own, and this one would not learn what is deleted or restored. Without, the
     * work borrows the entities of this one.
     */
    override async transactional(work: (em: any) => any, options: any = {}): Promise<any> {
      const outer = this.getContext(false) as EntityManager;
      let inner = outer;
      const followed = (em: any) => {
        inner = em;
        sharesWhatWasShown(inner, outer);
        if (options.clear && (!outer.global || this.config.get('allowGlobalContext'))) {
          worksFor(em, outer);
        }
        if (!options.clear) {
          borrowsFrom(em, outer);
        }
        return work(em);
      };
      // Only a savepoint of the surrounding transaction shares its connection.
      const nested = (options.propagation ?? TransactionPropagation.NESTED) === TransactionPropagation.NESTED;
      const ctx = nested ? (outer.getTransactionContext<Transaction>() ?? options.ctx) : undefined;
      try {
        const result = await transactions.inTurn(ctx, () => super.transactional(followed, options));
        sharesWhatWasShown(outer, inner);
        return result;
      } catch (error) {
        sharesWhatWasShown(outer, inner);
        if (inner !== outer) {
          takeBackEntities(outer, inner);
        }
        throw error;
      }
    }

    override async find(...args: any[]): Promise<any> {
      const read = () => (super.find as Read)(...args);
      return handOut(this, args[2], await whileJoining(this, args[1], args[2], read));
    }

    override async findOne(...args: any[]): Promise<any> {
      const read = () => (super.findOne as Read)(...args);
      return handOut(this, args[2], await whileJoining(this, args[1], args[2], read));
    }

    /** One filter of the ORM's own is applied in another way, to the same effect. */
    override applyFilters(...args: any[]): Promise<any> {
      const [entityName, where, filters, type, ...rest] = args;
      const apply = super.applyFilters as (...all: any[]) => Promise<any>;
      const entry = leavesFilterOn(filters) ? catalog.find(entityName) : undefined;
      return entry
        ? applyBeside(this, installation, entry, where, filters, type, (others) =>
            apply.call(this, entityName, where, others, type, ...rest),
          )
        : apply.apply(this, args);
    }

    override async populate(...args: any[]): Promise<any> {
      return handOut(this, args[2], await (super.populate as Read)(...args));
    }

    /** A query builder maps its rows through this as well, and knows itself what they show. */
    override map(...args: any[]): any {
      const [, , options] = args as [any, any, { mapped?: boolean } | undefined];
      const mapped: unknown = (super.map as (...all: any[]) => unknown)(...args);
      return options?.mapped ? mapped : handOut(this, undefined, mapped);
    }

    override async flush(): Promise<void> {
      return alone(this, () => super.flush());
    }

    override async nativeUpdate(...args: any[]): Promise<number> {
      return alone(this, () => (super.nativeUpdate as Write<number>)(...args));
    }

    override async nativeDelete(...args: any[]): Promise<number> {
      return alone(this, () => (super.nativeDelete as Write<number>)(...args));
    }

    override async insert(...args: any[]): Promise<any> {
      return alone(this, () => (super.insert as Write)(...args));
    }

    override async insertMany(...args: any[]): Promise<any> {
      return alone(this, () => (super.insertMany as Write)(...args));
    }

    override async upsert(...args: any[]): Promise<any> {
      return alone(this, () => (super.upsert as Write)(...args));
    }

    override async upsertMany(...args: any[]): Promise<any> {
      return alone(this, () => (super.upsertMany as Write)(...args));
    }

    override async countBy(...args: any[]): Promise<Dictionary<number>> {
      const [, , options] = args;
      const run = () => (super.countBy as (...all: any[]) => Promise<Dictionary<number>>)(...args);
      return readScope(installation, options?.filters) === 'active' ? counting.run(true, run) : run();
    }

    override createQueryBuilder(...args: any[]): any {
      const qb = (super.createQueryBuilder as (...all: any[]) => any)(...args);
      return GuardedQueryBuilder.guard(counting.getStore() ? ScopedQueryBuilder.adopt(qb, 'active') : qb);
    }

    override getKysely(...args: any[]): any {
      const kysely = (super.getKysely as (...all: any[]) => any)(...args);
      return kysely.withPlugin(refuseKyselyDeletes(this.getContext(false) as EntityManager, catalog));
    }

    /** What follows the key differs by version: from 7.2.2 on, the schema is among it. */
    override tryCache(...args: any[]): Promise<any> {
      const [entityName, config, key, ...rest] = args as [any, any, any];
      const read = super.tryCache as (...all: any[]) => Promise<any>;
      const current = readScope(installation, (key as { filters?: FilterOptions }[])[2]?.filters);
      if (current === 'active') {
        return read.apply(this, args);
      }
      const used = config ?? this.config.get('resultCache').global;
      return Array.isArray(used)
        ? read.call(this, entityName, [cacheName(used[0] as string, current), used[1] as number], key, ...rest)
        : read.call(this, entityName, config, [...(key as unknown[]), current], ...rest);
    }

    override async clearCache(name: string): Promise<void> {
      await super.clearCache(name);
      await super.clearCache(cacheName(name, 'with'));
      await super.clearCache(cacheName(name, 'only'));
    }

    /** A batch runs in the scope of whoever asked first, so each scope has loaders of its own. */
    override async getDataLoader(type: LoaderType): Promise<any> {
      const current = scope.getStore() ?? 'active';
      if (current === 'active') {
        return super.getDataLoader(type);
      }
      const em = this.getContext();
      const own = loaders.get(em) ?? new Map<string, unknown>();
      loaders.set(em, own);
      const name = `${current} ${type}`;
      if (!own.has(name)) {
        own.set(name, await createDataLoader(em as EntityManager, type));
      }
      return own.get(name);
    }
  }
  return Object.defineProperty(ScopedEntityManager, 'name', { value: Base.name });
}

async function createDataLoader(em: EntityManager, type: LoaderType): Promise<unknown> {
  const { DataloaderUtils } = await import('@mikro-orm/core/dataloader');
  const DataLoader = (await DataloaderUtils.getDataLoader()) as new (load: unknown) => unknown;
  const load = {
    ref: () => DataloaderUtils.getRefBatchLoadFn(em),
    '1:m': () => DataloaderUtils.getColBatchLoadFn(em),
    'm:n': () => DataloaderUtils.getManyToManyColBatchLoadFn(em),
    count: () => DataloaderUtils.getCountBatchLoadFn(em),
  }[type];
  return new DataLoader(load());
}
