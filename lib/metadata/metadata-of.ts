import { type EntityMetadata, helper } from '@mikro-orm/core';
import type { OrmModel } from './soft-delete-catalog.js';

/**
 * The metadata that an ORM has of an entity's class. `helper(entity).__meta` is on the prototype of the class and belongs to the
 * ORM that was initialised last (`EntityHelper.decorate`), which need not be the one that the entity lives in.
 *
 * @internal
 */
export function metadataOf<Entity extends object>(
  orm: Pick<OrmModel, 'getMetadata'>,
  entity: Entity,
): EntityMetadata<Entity> {
  return orm.getMetadata().get<Entity>(helper(entity).__meta.class);
}
