import { type EntityMetadata, type EntityProperty, helper, Reference, ReferenceKind } from '@mikro-orm/core';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { ScopedCollection } from './scoped-collection.js';

interface References {
  /** Those that are wrapped, so that they can be loaded. */
  readonly wrapped: readonly EntityProperty[];
  /** Those with a collection on the other side. */
  readonly mirrored: readonly EntityProperty[];
  /** The property that tells whether the entity is deleted, if it can be. */
  readonly deletedAt: string | undefined;
}

const references = new WeakMap<EntityMetadata, References>();

/**
 * Sees to the references of an entity that has just come into memory:
 *
 * - `Reference.load()` goes by the filters of the relation, but the ORM tells a reference its relation only where there is another
 *   side to it, and then that of the ORM that was initialised last over the class (`propagate` in `EntityHelper.js`).
 * - A deleted entity is no member of a collection that was read without deleted rows.
 *
 * @internal
 */
export function settleReferences(entity: object, meta: EntityMetadata, catalog: SoftDeleteCatalog): void {
  const { wrapped, mirrored, deletedAt } = referencesOf(meta, catalog);
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
  if (deletedAt !== undefined && (entity as Record<string, unknown>)[deletedAt] != null) {
    for (const prop of mirrored) {
      const target = Reference.unwrapReference(data[prop.name]) as Record<string, unknown> | null | undefined;
      const collection = target?.[prop.inversedBy as string];
      if (collection instanceof ScopedCollection) {
        collection.leaveOut(entity);
      }
    }
  }
}

function referencesOf(meta: EntityMetadata, catalog: SoftDeleteCatalog): References {
  let known = references.get(meta);
  if (!known) {
    const toOne = meta.relations.filter(
      ({ kind, owner, mapToPk }) =>
        !mapToPk && (kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner)),
    );
    known = {
      wrapped: toOne.filter(({ ref, targetMeta }) => ref && targetMeta && catalog.find(targetMeta)),
      mirrored: toOne.filter(({ kind, inversedBy }) => kind === ReferenceKind.MANY_TO_ONE && inversedBy),
      deletedAt: catalog.find(meta)?.property,
    };
    references.set(meta, known);
  }
  return known;
}
