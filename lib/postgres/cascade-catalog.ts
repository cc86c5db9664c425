import type { EntityMetadata } from '@mikro-orm/core';
import { relationOver } from '../metadata/relations/key-relations.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { CatalogKey, CatalogTable } from './catalog/read-pg-catalog.js';

/** A key by which the database removes rows along with the row that they reference. Names are quoted. @internal */
export interface CascadingKey {
  readonly name: string;
  readonly from: string;
  readonly columns: readonly string[];
  readonly to: string;
  readonly referenced: readonly string[];
  /** The marked entity whose rows hold the key, if they do. */
  readonly endangers: EntityMetadata | undefined;
  /** Whether policies may hide rows that hold the key. */
  readonly isGuarded: boolean;
}

/**
 * The `on delete cascade` keys of the database through which the removal of a row that is not marked reaches rows of marked entities, at
 * any distance, mapped by the ORM or not.
 *
 * @internal
 */
export class CascadeCatalog {
  readonly #reaching: readonly CascadingKey[];
  readonly #tables: ReadonlyMap<EntityMetadata, CatalogTable>;

  constructor(
    keys: readonly CatalogKey[],
    entities: ReadonlyMap<CatalogTable, EntityMetadata>,
    catalog: SoftDeleteCatalog,
    quote: (name: string) => string,
  ) {
    this.#tables = new Map([...entities].map(([table, meta]) => [meta, table]));
    const described = keys.map((key): CascadingKey => {
      const holder = entities.get(key.from);
      return {
        name: relationOver(catalog.graph, holder, key.fromColumns, entities.get(key.to))?.name ?? key.constraint,
        from: key.from.name,
        columns: key.fromColumns.map(quote),
        to: key.to.name,
        referenced: key.toColumns.map(quote),
        endangers: holder && catalog.findMarked(holder) ? holder : undefined,
        isGuarded: key.from.hasPolicies,
      };
    });
    const reaching = new Set(described.filter(({ endangers }) => endangers));
    for (const key of reaching) {
      // What leads to the table in front of it leads to the rows behind it as well.
      described
        .filter(({ from, endangers }) => from === key.to && !endangers)
        .forEach((before) => reaching.add(before));
    }
    this.#reaching = [...reaching];
  }

  /** The keys that the removal of rows of an entity may pass. */
  from(meta: EntityMetadata): readonly CascadingKey[] {
    const table = this.#tables.get(meta.root);
    const reached = new Set([table, ...(table?.bound ?? [])].map((each) => each?.name));
    const passed = new Set<CascadingKey>();
    for (const name of reached) {
      for (const key of this.#reaching.filter(({ to }) => to === name)) {
        passed.add(key);
        if (!key.endangers) {
          reached.add(key.from);
        }
      }
    }
    return [...passed];
  }

  isView(meta: EntityMetadata): boolean {
    return this.#tables.get(meta.root)?.isView ?? false;
  }
}
