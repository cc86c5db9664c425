import type { EntityFactory, EntityLoader } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../../installation/installation.js';
import { ScopedEntityFactory } from '../scoped-entity-factory.js';
import { ScopedEntityLoader } from '../scoped-entity-loader.js';

/**
 * Makes an entity manager's loader and factory those of a scoped one. Each entity manager has its own, made in its constructor.
 *
 * @internal
 */
export function scopeLoading(em: EntityManager, installation: Installation): void {
  const { loader, factory } = partsOf(em);
  ScopedEntityLoader.adopt(loader, em, installation);
  ScopedEntityFactory.adopt(factory, em, installation);
}

/** The entity manager's own parts: asked for plainly, one that is bound to a context answers with those of the context. */
function partsOf(em: EntityManager): { loader: EntityLoader; factory: EntityFactory } {
  const unbound = { getContext: () => em } as EntityManager;
  return { loader: em.getEntityLoader.call(unbound), factory: em.getEntityFactory.call(unbound) };
}
