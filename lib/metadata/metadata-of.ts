import { EntityHelper, type EntityMetadata, helper } from '@mikro-orm/core';
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

/**
 * Makes an entity answer with the metadata of the ORM that it lives in, where its prototype answers with that of another one over
 * the same class: the unit of work, collections and references ask it for their relations (`UnitOfWork.js`, `Collection.js`), and
 * what they would find there names the tables and the filters of the other ORM.
 *
 * @returns the metadata
 * @internal
 */
export function claimEntity<Entity extends object>(orm: OrmModel, entity: Entity): EntityMetadata<Entity> {
  const known = helper(entity).__meta as EntityMetadata<Entity>;
  // By its constructor: the class of a reference to the root of a hierarchy becomes known when its row is loaded.
  const meta = orm.getMetadata().find<Entity>(entity.constructor as never) ?? metadataOf(orm, entity);
  if (known !== meta) {
    Object.defineProperty(entity, '__meta', { value: meta, configurable: true });
    // The setters of references note a key that hydration sets as known, if the hydrator that they ask is the one at work.
    (helper(entity) as unknown as { hydrator: unknown }).hydrator = orm.config.getHydrator(orm.getMetadata());
    EntityHelper.ensurePropagation(entity);
  }
  return meta;
}
