import {
  type EntityMetadata,
  type EntityName,
  type EntityProperty,
  type FilterQuery,
  helper,
  type ObjectQuery,
  type RequiredEntityData,
  TransactionContext,
  UniqueConstraintViolationException,
  Utils,
} from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { readSnapshots } from '../archive/reading/read-snapshots.js';
import { resolveTarget } from '../deletion/deletion-target.js';
import { restoreRows } from '../deletion/restoration/restore-rows.js';
import { RestoreConflictError } from '../errors/restore-conflict.error.js';
import { getInstallation } from '../installation/installation.js';
import { plainEqualities } from './plain-equalities.js';
import { ScopedReads } from './read-view.js';
import { takeTurns } from './take-turns.js';

/** How often the row is looked for while others take its values. */
const ATTEMPTS = 3;

/** What `restoreOrCreate()` found or made. @internal */
interface RestoredOrCreated<Entity> {
  readonly entity: Entity;
  readonly restored: boolean;
}

/** @internal */
export async function restoreOrCreate<Entity extends object>(
  manager: EntityManager,
  entityName: EntityName<Entity>,
  where: FilterQuery<Entity>,
  data: RequiredEntityData<Entity>,
): Promise<RestoredOrCreated<Entity>> {
  const em = surroundingOr(manager);
  const { scope } = getInstallation(em);
  const meta = em.getMetadata().get<Entity>(entityName);
  const condition = resolveTarget('restoreOrCreate', em, meta, where as never);
  for (let attempt = 1; ; attempt++) {
    try {
      // Under a scope of the request, a deleted row would pass for the active one.
      return await scope.run('active', () => findRestoreOrCreate(em, meta, condition, data));
    } catch (error) {
      // Someone who does not take turns has made an active row meanwhile: the next attempt may find it.
      const isTaken = error instanceof UniqueConstraintViolationException || error instanceof RestoreConflictError;
      if (!isTaken || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

/**
 * The entity manager of the transaction around the call. One that was forked by hand does not resolve to it, and would need a second
 * connection while the first one is held.
 */
function surroundingOr(em: EntityManager): EntityManager {
  const surrounding = TransactionContext.getEntityManager(em.name) as EntityManager | undefined;
  return surrounding?.config === em.config ? surrounding : em;
}

function findRestoreOrCreate<Entity extends object>(
  em: EntityManager,
  meta: EntityMetadata<Entity>,
  where: ObjectQuery<Entity>,
  data: RequiredEntityData<Entity>,
): Promise<RestoredOrCreated<Entity>> {
  const { catalog } = getInstallation(em);
  const property = catalog.find(meta.class)?.property;
  const equalities = plainEqualities(meta, where);
  return em.transactional(async (tx) => {
    await takeTurns(tx, meta as EntityMetadata, equalities);
    const active = await tx.findOne(meta.class, where as never, { cache: false });
    if (active) {
      return { entity: active as Entity, restored: false };
    }
    if (property === undefined) {
      const restored = await restoreArchived(tx, meta, where);
      return restored
        ? { entity: restored, restored: true }
        : { entity: await create(tx, meta, equalities.values, data), restored: false };
    }
    const deleted = (await new ScopedReads(tx, meta.class, 'only').findOne(where, {
      orderBy: { [property]: 'desc' },
      cache: false,
    })) as Entity | null;
    if (deleted) {
      await restoreRows(tx, meta as EntityMetadata, resolveTarget('restore', tx, meta, deleted));
      return { entity: deleted, restored: true };
    }
    const { [property]: _, ...values } = equalities.values;
    return { entity: await create(tx, meta, values, data), restored: false };
  });
}

/** Brings back the row that was archived last of those that match. */
async function restoreArchived<Entity extends object>(
  tx: EntityManager,
  meta: EntityMetadata<Entity>,
  where: ObjectQuery<Entity>,
): Promise<Entity | null> {
  const [archived] = (await readSnapshots(tx, meta as EntityMetadata, where, { limit: 1 })) as Entity[];
  if (!archived) {
    return null;
  }
  await restoreRows(tx, meta as EntityMetadata, resolveTarget('restore', tx, meta, archived));
  const key = helper(archived).getPrimaryKey();
  return (await tx.findOne(meta.class, key as never, { cache: false })) as Entity | null;
}

async function create<Entity extends object>(
  tx: EntityManager,
  meta: EntityMetadata<Entity>,
  values: object,
  data: RequiredEntityData<Entity>,
): Promise<Entity> {
  const entity = tx.create(meta.class, merge(meta, values, data) as never) as Entity;
  await tx.persist(entity).flush();
  return entity;
}

/** What the condition says with what is given, which wins; of an embedded object, property by property. */
function merge(meta: { readonly properties: object }, values: object, data: object): object {
  const merged: Record<string, unknown> = { ...values, ...data };
  for (const [name, value] of Object.entries(values)) {
    const given = (data as Record<string, unknown>)[name];
    const embedded = (meta.properties as Record<string, EntityProperty | undefined>)[name]?.embeddedProps;
    if (embedded && Utils.isPlainObject(given)) {
      merged[name] = merge({ properties: embedded }, value as object, given as object);
    }
  }
  return merged;
}
