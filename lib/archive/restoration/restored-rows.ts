import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { typedColumnsSql } from '../snapshot/typed-rows-sql.js';
import type { SnapshotSet } from './snapshot-set.js';

/**
 * Archived rows that are about to come back, with their values as the columns of their tables.
 *
 * @internal
 */
export class RestoredRows {
  constructor(
    private readonly em: EntityManager,
    private readonly catalog: SoftDeleteCatalog,
    private readonly snapshots: SnapshotSet,
    private readonly shapes: ReadonlyMap<EntityMetadata, readonly TableColumn[]>,
  ) {}

  parts(): string[] {
    return this.snapshots.parts();
  }

  metaOf(part: string): EntityMetadata {
    return this.snapshots.metaOf(part)!;
  }

  /** What a query has after `from` and after `where` to read the rows of a part: from the archive, as `a`, with their columns as `c`. */
  rowsSql(part: string): { readonly sql: string; readonly condition: string; readonly params: readonly unknown[] } {
    const { sql: condition, params } = this.snapshots.condition(part);
    const meta = this.metaOf(part);
    const typed = typedColumnsSql(this.em, this.catalog, meta, this.shapes.get(meta)!);
    return { sql: `${archiveTable(this.em)} as a cross join lateral (select ${typed}) as c`, condition, params };
  }
}
