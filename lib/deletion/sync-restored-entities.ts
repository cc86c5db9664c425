import { helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { managedEntities, takeOver, type Undo } from './managed-entities.js';
import type { RowSet } from './row-set.js';

/**
 * Tells memory which of the entities it holds are active again.
 *
 * @internal
 */
export async function syncRestored(
  em: EntityManager,
  _ctx: Transaction,
  entry: SoftDeletableEntityMetadata,
  rows: RowSet,
): Promise<Undo> {
  const { meta, property } = entry;
  const undo: Undo[] = [];
  for (const entity of managedEntities(em, meta)) {
    if (!rows.has(meta, keyOf(entity)) || (entity as Record<string, unknown>)[property] == null) {
      continue;
    }
    const version = meta.versionProperty && (entity as Record<string, any>)[meta.versionProperty];
    undo.push(
      takeOver(em, entity, {
        [property]: null,
        ...(typeof version === 'number' ? { [meta.versionProperty]: version + 1 } : {}),
      }),
    );
    undo.push(rejoinCollections(entity));
  }
  return () => undo.toReversed().forEach((step) => step());
}

function keyOf(entity: object): string[] {
  return Utils.flatten(helper(entity).getPrimaryKeys(true) as unknown[][]).map(String);
}

/** Puts a restored entity back into the loaded collections of the rows it points at. */
function rejoinCollections(entity: object): Undo {
  const undo: Undo[] = [];
  for (const prop of helper(entity).__meta.bidirectionalRelations) {
    if (prop.kind !== ReferenceKind.MANY_TO_ONE) {
      continue;
    }
    const reference = (entity as Record<string, any>)[prop.name];
    const parent = reference && (Utils.isEntity(reference) ? reference : reference.unwrap());
    const collection = parent?.[prop.inversedBy];
    if (Utils.isCollection<object>(collection) && collection.isInitialized() && !collection.contains(entity, false)) {
      const wasDirty = collection.isDirty();
      collection.addWithoutPropagation(entity);
      if (!wasDirty) {
        collection.takeSnapshot();
      }
      undo.push(() => {
        collection.removeWithoutPropagation(entity);
        if (!wasDirty) {
          collection.takeSnapshot();
        }
      });
    }
  }
  return () => undo.forEach((step) => step());
}
