import { type EntityName, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName, AnyUpsertOptions } from '../options/any-of-the-orm.js';
import { worksFor } from '../installation/outer-managers.js';
import type { EntityManagerClass } from '../installation/orm-parts.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { SoftDeleteRepository } from './soft-delete.repository.js';
import { isChecked } from './upsert-target.js';

/**
 * A class of entity managers whose bulk writes to marked entities mean what they mean in a repository: `em.nativeDelete()` deletes
 * softly, `em.upsert()` and `em.upsertMany()` write to no deleted row.
 *
 * @internal
 */
export function softWritingEntityManager(Base: EntityManagerClass, catalog: SoftDeleteCatalog): EntityManagerClass {
  // No private members: a root that is older than the installation becomes one of this class after it was constructed.
  class SoftWritingEntityManager extends Base {
    override async nativeDelete(...args: any[]): Promise<number> {
      const [entityName, where, options = {}] = args;
      if (!catalog.findMarked(entityName)) {
        return (super.nativeDelete as (...all: any[]) => Promise<number>)(...args);
      }
      const { filters } = options;
      const repository = new SoftDeleteRepository(managerFor(this, options), entityName);
      return repository.nativeDelete(where, filters === undefined ? {} : { filters });
    }

    override async upsert(...args: any[]): Promise<never> {
      const [entityName, data, options = {}] = named(args);
      return entityName && catalog.find(entityName) && !isChecked(options)
        ? (new SoftDeleteRepository(this, entityName).upsert(data as object, options) as never)
        : (super.upsert as (...all: any[]) => Promise<never>)(...args);
    }

    override async upsertMany(...args: any[]): Promise<never> {
      const [entityName, data, options = {}] = named(args);
      return entityName && catalog.find(entityName) && !isChecked(options)
        ? (new SoftDeleteRepository(this, entityName).upsertMany(data as object[], options) as never)
        : (super.upsertMany as (...all: any[]) => Promise<never>)(...args);
    }
  }

  return Object.defineProperty(SoftWritingEntityManager, 'name', { value: Base.name });
}

/** The arguments of an upsert with the entity's name in front, which the ORM takes from an entity where it is left out. */
function named([first, data, options]: unknown[]): [AnyEntityName?, data?: unknown, options?: AnyUpsertOptions] {
  if (data !== undefined) {
    return [first as EntityName, data, options as AnyUpsertOptions];
  }
  const entity: unknown = Array.isArray(first) ? first[0] : first;
  const entityName = Utils.isEntity<object>(entity) ? (entity.constructor as EntityName) : undefined;
  return [entityName, first, options as AnyUpsertOptions];
}

/** The options may name another transaction or schema than the entity manager's. */
function managerFor(em: EntityManager, { ctx, schema }: { ctx?: unknown; schema?: string }): EntityManager {
  const current = em.getContext(false) as EntityManager;
  const isOther =
    (ctx !== undefined && ctx !== current.getTransactionContext()) ||
    (schema !== undefined && schema !== current.schema);
  if (!isOther) {
    return em;
  }
  const other = current.fork({
    keepTransactionContext: true,
    ...(schema === undefined ? {} : { schema }),
  }) as EntityManager;
  if (ctx !== undefined) {
    other.setTransactionContext(ctx as never);
  }
  worksFor(other, current);
  return other;
}
