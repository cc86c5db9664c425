import { type EntityMetadata, type EntityName, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { Installation } from '../../installation/installation.js';
import { inverseOwners } from './inverse-references.js';
import { softDeletableCollections } from './soft-deletable-collections.js';

/** What there is to do for each entity of a class that comes into memory. @internal */
export interface LoadedClass {
  readonly meta: EntityMetadata;
  readonly collections: readonly EntityProperty[];
  /** References that are wrapped, so that they can be loaded. */
  readonly wrapped: readonly EntityProperty[];
  /** References with a collection on the other side. */
  readonly mirrored: readonly EntityProperty[];
  /** The property that tells whether the entity is deleted, if it can be. */
  readonly deletedAt: string | undefined;
  /** Whether its rows hold the key of a one-to-one relation and are soft-deletable. */
  readonly ownsInverses: boolean;
}

const known = new WeakMap<Installation, LoadedClasses>();

/**
 * What has to be done for the entities of an ORM's classes, decided once per class.
 *
 * @internal
 */
export class LoadedClasses {
  readonly #byName = new Map<unknown, LoadedClass>();
  readonly #byMetadata = new WeakMap<EntityMetadata, LoadedClass>();

  static of(installation: Installation): LoadedClasses {
    const classes = known.get(installation) ?? new LoadedClasses(installation);
    known.set(installation, classes);
    return classes;
  }

  private constructor(private readonly installation: Installation) {}

  /** By what the ORM was given: a class, a schema or a name. An embeddable is no entity. */
  find(entityName: unknown): LoadedClass | undefined {
    return this.#byName.get(entityName) ?? this.#learn(entityName);
  }

  of(meta: EntityMetadata): LoadedClass {
    const found = this.#byMetadata.get(meta) ?? this.#describe(meta);
    this.#byMetadata.set(meta, found);
    return found;
  }

  #learn(entityName: unknown): LoadedClass | undefined {
    const meta = this.installation.catalog.getMetadata().find<object>(entityName as EntityName<object>);
    if (!meta || meta.embeddable) {
      return undefined;
    }
    const found = this.of(meta as EntityMetadata);
    this.#byName.set(entityName, found);
    return found;
  }

  #describe(meta: EntityMetadata): LoadedClass {
    const { catalog } = this.installation;
    const toOne = meta.relations.filter(
      ({ kind, owner, mapToPk }) =>
        !mapToPk && (kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner)),
    );
    return {
      meta,
      collections: softDeletableCollections(meta, this.installation),
      wrapped: toOne.filter(({ ref, targetMeta }) => ref && targetMeta && catalog.find(targetMeta)),
      mirrored: toOne.filter(({ kind, inversedBy }) => kind === ReferenceKind.MANY_TO_ONE && inversedBy),
      deletedAt: catalog.find(meta)?.property,
      ownsInverses: inverseOwners(meta, catalog).length > 0,
    };
  }
}
