import { type EntityMetadata, type EntityProperty, helper, ScalarReference } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { keyAsCondition } from '../sql/entity-key.js';
import { keepInStep } from './managed-entities.js';
import { metadataOf } from '../metadata/metadata-of.js';

/** Conditions by composite keys are as deep as they are many. */
const READ_AT_ONCE = 500;

/**
 * Gives managed entities the values that their rows hold, for the properties named. They are read by an entity manager of its own,
 * so that they are whatever a fresh read shows: neither the snapshot nor the type of a property can tell.
 *
 * @internal
 */
export async function readAgain(
  em: EntityManager,
  ctx: Transaction | undefined,
  meta: EntityMetadata,
  names: ReadonlyMap<object, ReadonlySet<string>>,
): Promise<void> {
  const bySchema = Map.groupBy(names.keys(), (entity) => helper(entity).__schema);
  for (const [schema, entities] of bySchema) {
    for (let i = 0; i < entities.length; i += READ_AT_ONCE) {
      const chunk = entities.slice(i, i + READ_AT_ONCE);
      const lazy = new Set(
        chunk.flatMap((entity) => [...names.get(entity)!].filter((name) => propertyOf(meta, name)?.lazy)),
      );
      const fresh = await em
        .fork({ clear: true, useContext: false })
        .find<object>(
          meta.class as never,
          { $or: chunk.map((entity) => keyAsCondition(meta, keyOf(meta, entity))) } as never,
          { ctx, filters: false, populate: [...lazy] as never, ...(schema ? { schema } : {}) } as never,
        );
      const byKey = new Map(fresh.map((row: object) => [helper(row).getSerializedPrimaryKey(), row]));
      for (const entity of chunk) {
        const row = byKey.get(helper(entity).getSerializedPrimaryKey()) as object | undefined;
        if (row) {
          names.get(entity)!.forEach((name) => copyValue(em, entity, row, name));
        }
      }
    }
  }
}

/** The property of the entity that a property of its snapshot belongs to: the outermost embedded one. @internal */
export function rootName(meta: EntityMetadata, prop: EntityProperty): string {
  return prop.embedded ? rootName(meta, meta.properties[prop.embedded[0] as never] as EntityProperty) : prop.name;
}

function keyOf({ compositePK }: EntityMetadata, entity: object): unknown {
  return compositePK ? helper(entity).getPrimaryKeys() : helper(entity).getPrimaryKey();
}

function copyValue(em: EntityManager, entity: object, row: object, name: string): void {
  const [target, source] = [entity as Record<string, unknown>, row as Record<string, unknown>];
  const held = target[name];
  if (ScalarReference.isScalarReference(held)) {
    held.set((source[name] as ScalarReference<unknown>).unwrap() as never);
  } else {
    target[name] = source[name];
  }
  const original = helper(entity).__originalEntityData as Record<string, unknown> | undefined;
  const snapshot = em.getComparator().prepareEntity<object>(row) as Record<string, unknown>;
  const meta = metadataOf(em, row) as EntityMetadata;
  for (const key of original ? new Set([...Object.keys(original), ...Object.keys(snapshot)]) : []) {
    const prop = propertyOf(meta, key);
    if (prop && rootName(meta, prop) === name) {
      keepInStep(original!, snapshot, key);
    }
  }
}

function propertyOf(meta: EntityMetadata, name: string): EntityProperty | undefined {
  return (meta.properties as Record<string, EntityProperty>)[name];
}
