import { EntityFactory, type EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Installation } from '../installation/installation.js';
import { followRestoration } from './loading/follow-restoration.js';
import { followInverseReferences, keepInverseReferences } from './loading/inverse-references.js';
import { LoadedClasses } from './loading/loaded-classes.js';
import { updateLoadedEntity } from './loading/update-loaded-entity.js';

type Data = Record<string, unknown>;
type Options = { convertCustomTypes?: boolean; newEntity?: boolean; refresh?: boolean } | undefined;

/** The methods of a factory that bring rows into memory; `hydrate()` is private. */
interface Hydrating {
  create(entityName: unknown, data: unknown, options?: Options, ...rest: unknown[]): unknown;
  mergeData(meta: EntityMetadata, entity: object, data: Data, options?: Options, ...rest: unknown[]): unknown;
  hydrate(entity: object, meta: EntityMetadata, data: Data, options?: Options, ...rest: unknown[]): unknown;
}

/**
 * A factory whose entities show what the scope of a read shows. Every row passes here, so that it is the class that has the methods:
 * each entity manager makes a factory in its constructor, which is turned into one of this class.
 *
 * @internal
 */
export class ScopedEntityFactory extends (EntityFactory as unknown as new (em: EntityManager) => Hydrating) {
  // Nothing is initialised here: the constructor is never called.
  declare private scoped: { em: EntityManager; installation: Installation; classes: LoadedClasses };

  static adopt(factory: EntityFactory, em: EntityManager, installation: Installation): void {
    // Before it changes its class: an object that has takes ten times as long to get a new property, and one is made for each fork.
    (factory as unknown as ScopedEntityFactory).scoped = { em, installation, classes: LoadedClasses.of(installation) };
    Object.setPrototypeOf(factory, ScopedEntityFactory.prototype);
  }

  override create(entityName: unknown, data: unknown, options?: Options, ...rest: unknown[]): unknown {
    const { em, installation, classes } = this.scoped;
    const expected = classes.find(entityName);
    const entity = expected?.ownsInverses
      ? this.createOwner(entityName, data, options, ...rest)
      : super.create(entityName, data, options, ...rest);
    updateLoadedEntity(em, entity as object, data, expected, installation);
    return entity;
  }

  /** Apart from the rest, which runs for every row: a function that is used inside of another one takes its parameters to the heap. */
  private createOwner(entityName: unknown, data: unknown, options: Options, ...rest: unknown[]): unknown {
    const { em, installation } = this.scoped;
    const create = (name: unknown, row: unknown) =>
      name === entityName ? super.create(name, row, options, ...rest) : this.create(name, row, options, ...rest);
    return keepInverseReferences(em, entityName, data, installation.catalog, options ?? {}, create);
  }

  override mergeData(meta: EntityMetadata, entity: object, data: Data, options?: Options, ...rest: unknown[]): unknown {
    const { em, installation } = this.scoped;
    followInverseReferences(em, entity, meta, data, installation.catalog, Boolean(options?.convertCustomTypes));
    const merged = super.mergeData(meta, entity, data, options, ...rest);
    followRestoration(em, entity, meta, data, installation.catalog);
    return merged;
  }

  /** A refresh does not merge: it goes straight to the hydrator. */
  override hydrate(entity: object, meta: EntityMetadata, data: Data, options?: Options, ...rest: unknown[]): unknown {
    if (options?.refresh) {
      const { em, installation } = this.scoped;
      followInverseReferences(em, entity, meta, data, installation.catalog, Boolean(options.convertCustomTypes));
    }
    return super.hydrate(entity, meta, data, options, ...rest);
  }
}
