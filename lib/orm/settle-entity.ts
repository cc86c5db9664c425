import { type EntityMetadata, type EntityProperty, helper, Reference, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import { claimEntity } from '../metadata/metadata-of.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { askDatabaseWhileDeleted } from './loaded-while-active.js';
import { ScopedCollection } from './scoped-collection.js';
import { softDeletableCollections } from './soft-deletable-collections.js';

/** What there is to do for each entity of a class that comes into memory. */
interface Settling {
  readonly collections: readonly EntityProperty[];
  /** References that are wrapped, so that they can be loaded. */
  readonly wrapped: readonly EntityProperty[];
  /** References with a collection on the other side. */
  readonly mirrored: readonly EntityProperty[];
  /** The property that tells whether the entity is deleted, if it can be. */
  readonly deletedAt: string | undefined;
}

const settlings = new WeakMap<EntityMetadata, Settling>();

/**
 * Sees to an entity that has just come into memory. Every row that is read passes here, so what a class needs is decided once:
 *
 * - Its collections know the scope that they were loaded under.
 * - `Reference.load()` goes by the filters of the relation, but the ORM tells a reference its relation only where there is another
 *   side to it, and then that of the ORM that was initialised last over the class (`propagate` in `EntityHelper.js`).
 * - A deleted entity is no member of a collection that was read without deleted rows, and the database is asked for it again.
 *
 * @internal
 */
export function settleEntity(em: EntityManager, entity: object, row: unknown, installation: Installation): void {
  const meta = claimEntity(em, entity);
  const settling = settlings.get(meta) ?? settlingOf(meta, installation);
  if (settling.collections.length > 0) {
    ScopedCollection.adopt(entity, settling.collections, installation, row);
  }
  if (settling.wrapped.length > 0) {
    tellRelations(entity, settling.wrapped);
  }
  if (settling.deletedAt !== undefined && (entity as Record<string, unknown>)[settling.deletedAt] != null) {
    askDatabaseWhileDeleted(entity, settling.deletedAt);
    leaveCollections(entity, settling.mirrored);
  }
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

function settlingOf(meta: EntityMetadata, installation: Installation): Settling {
  const catalog: SoftDeleteCatalog = installation.catalog;
  const toOne = meta.relations.filter(
    ({ kind, owner, mapToPk }) =>
      !mapToPk && (kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner)),
  );
  const settling: Settling = {
    collections: softDeletableCollections(meta, installation),
    wrapped: toOne.filter(({ ref, targetMeta }) => ref && targetMeta && catalog.find(targetMeta)),
    mirrored: toOne.filter(({ kind, inversedBy }) => kind === ReferenceKind.MANY_TO_ONE && inversedBy),
    deletedAt: catalog.find(meta)?.property,
  };
  settlings.set(meta, settling);
  return settling;
}
