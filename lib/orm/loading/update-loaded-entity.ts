import { type EntityMetadata, type EntityProperty, helper, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../../installation/installation.js';
import { claimEntity } from '../../metadata/metadata-of.js';
import { adoptCollections } from '../adopt-collections.js';
import { askDatabaseWhileDeleted } from './loaded-while-active.js';
import { type LoadedClass, LoadedClasses } from './loaded-classes.js';
import { ScopedCollection } from './scoped-collection.js';

/**
 * Sees to an entity that has just come into memory. Every row that is read passes here, so what a class needs is decided once:
 *
 * - Its collections know the scope that they were loaded under.
 * - `Reference.load()` goes by the filters of the relation, but the ORM tells a reference its relation only where there is another
 *   side to it, and then that of the ORM that was initialised last over the class (`propagate` in `EntityHelper.js`).
 * - A deleted entity is no member of a collection that was read without deleted rows, and the database is asked for it again.
 *
 * @param expected - the class that was asked for; the row may be of another one of its hierarchy
 * @internal
 */
export function updateLoadedEntity(
  em: EntityManager,
  entity: object,
  row: unknown,
  expected: LoadedClass | undefined,
  installation: Installation,
): void {
  let loaded = expected;
  // Where the prototype of the class has the metadata of this ORM, there is nothing to claim.
  const isOwn = loaded !== undefined && answersWith(entity, loaded.meta);
  if (!isOwn) {
    if (!Utils.isEntity<object>(entity)) {
      return;
    }
    loaded = LoadedClasses.of(installation).of(claimEntity(em, entity) as EntityMetadata);
  }
  const { collections, wrapped, deletedAt, mirrored } = loaded!;
  if (collections.length > 0) {
    adoptCollections(entity, collections, installation, row, isOwn);
  }
  if (wrapped.length > 0) {
    tellRelations(entity, wrapped);
  }
  if (deletedAt !== undefined && (entity as Record<string, unknown>)[deletedAt] != null) {
    askDatabaseWhileDeleted(entity, deletedAt);
    leaveCollections(entity, mirrored);
  }
}

function answersWith(entity: object, meta: EntityMetadata): boolean {
  return (entity as { __meta?: unknown }).__meta === meta && entity.constructor === meta.class;
}

function tellRelations(entity: object, wrapped: readonly EntityProperty[]): void {
  const { __data: data } = helper(entity);
  for (const prop of wrapped) {
    const reference = data[prop.name];
    if (Reference.isReference(reference)) {
      const told = reference as unknown as { property?: EntityProperty };
      if (told.property?.targetMeta?.root !== prop.targetMeta!.root) {
        told.property = prop;
      }
    }
  }
}

function leaveCollections(entity: object, mirrored: readonly EntityProperty[]): void {
  const { __data: data } = helper(entity);
  for (const prop of mirrored) {
    const target = Reference.unwrapReference(data[prop.name]) as Record<string, unknown> | null | undefined;
    const collection = target?.[prop.inversedBy as string];
    if (collection instanceof ScopedCollection) {
      collection.leaveOut(entity);
    }
  }
}
