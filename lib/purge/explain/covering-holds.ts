import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { findHeldEntities, mayCoverArchived } from '../../archive/removal/find-held-entities.js';
import { findInstallation } from '../../installation/installation.js';
import { type ActiveHold, readActiveHolds, readHeldRows } from '../../sql/held-rows.js';
import type { RowKey, RowSet } from '../../sql/row-set.js';

/** Tells which legal holds cover a row. @internal */
export class CoveringHolds {
  private constructor(
    private readonly em: EntityManager,
    private readonly covered: readonly (readonly [hold: ActiveHold, rows: RowSet])[],
  ) {}

  /** Reads the active holds and what they cover, if the ORM has the tables of holds. */
  static async read(em: EntityManager): Promise<CoveringHolds> {
    const tables = findInstallation(em)?.holds;
    const active = tables ? await readActiveHolds(em, undefined, tables) : [];
    const covered: (readonly [ActiveHold, RowSet])[] = [];
    for (const hold of active) {
      covered.push([hold, await readHeldRows(em, undefined, tables!, [hold])]);
    }
    return new CoveringHolds(em, covered);
  }

  of(meta: EntityMetadata, key: RowKey): ActiveHold[] {
    return this.covered.filter(([, rows]) => rows.has(meta, key)).map(([{ id, name }]) => ({ id, name }));
  }

  /** Those that may cover archived rows of an entity: no hold says which ones. */
  ofArchived(meta: EntityMetadata): ActiveHold[] {
    const catalog = SoftDeleteCatalog.of(this.em);
    return this.covered
      .filter(([, rows]) => mayCoverArchived(catalog, findHeldEntities(this.em, catalog, rows.entities()), meta))
      .map(([{ id, name }]) => ({ id, name }));
  }
}
