import { helper } from '@mikro-orm/core';

/**
 * Makes an entity manager ask the database again when `findOne()` is called with the key of an entity that it holds as
 * deleted.
 *
 * `findOne()` answers from the identity map unless a property it needs is not in the entity's set of loaded properties
 * (`shouldRefresh` in `EntityManager.js`). While the entity is deleted, this set claims to hold none, so the question goes to the
 * database, where the filter of the day decides. The entity stays managed: unmanaging it would make the next flush null the
 * foreign keys that point at it (`unsetIdentity` in `UnitOfWork.js`).
 *
 * @internal
 */
export class LoadedWhileActive extends Set<string> {
  readonly #entity: object;
  readonly #property: string;

  constructor(entity: object, property: string, loaded: Iterable<string>) {
    super(loaded);
    this.#entity = entity;
    this.#property = property;
  }

  override has(name: string): boolean {
    return (this.#entity as Record<string, unknown>)[this.#property] == null && super.has(name);
  }
}

/** @internal */
export function askDatabaseWhileDeleted(entity: object, property: string): void {
  const wrapped = helper(entity);
  if (!(wrapped.__loadedProperties instanceof LoadedWhileActive)) {
    wrapped.__loadedProperties = new LoadedWhileActive(entity, property, wrapped.__loadedProperties);
  }
}

/** Makes it ask once, for an entity that does not know better. @internal */
export function askDatabaseOnce(entity: object): void {
  helper(entity).__loadedProperties.clear();
}
