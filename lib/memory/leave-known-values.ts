import { ChangeSetType, helper, type UnitOfWork, Utils } from '@mikro-orm/core';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';

/**
 * Takes out of the updates of bare references what the ORM knows their rows to hold already. It writes all that such an entity has in
 * memory once anything in it has changed (`computePayload` in `ChangeSetComputer.js`): the time of its deletion too, to the
 * millisecond, so that the row would leave its unit, or be deleted again that somebody has restored since.
 *
 * @internal
 */
export function leaveKnownValues(uow: UnitOfWork, catalog: SoftDeleteCatalog): void {
  for (const { entity, meta, payload, type } of uow.getChangeSets()) {
    const { __initialized: isLoaded, __originalEntityData: known } = helper(entity as object);
    if (type !== ChangeSetType.UPDATE || isLoaded || !known || !catalog.find(meta)) {
      continue;
    }
    const values = payload as Record<string, unknown>;
    for (const name of Object.keys(values)) {
      if (Utils.equals(values[name], (known as Record<string, unknown>)[name])) {
        delete values[name];
      }
    }
  }
}
