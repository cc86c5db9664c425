import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../archive/snapshot/archive-table.js';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';

/**
 * The numbers of active and of deleted rows of an entity.
 *
 * @publicApi
 */
export interface RowCount {
  readonly active: number;
  readonly deleted: number;
}

/**
 * Counts the rows of an entity with raw SQL, so that a test does not rely on the filter that it tests. A row that is in neither number has
 * been removed for good. With `strategy: 'archive'`, the deleted rows are those in the archive.
 *
 * @throws NotSoftDeletableError if the entity is not marked or unknown to the ORM
 * @publicApi
 */
export async function countRows(em: EntityManager, entity: AnyEntityName): Promise<RowCount> {
  const marked = SoftDeleteCatalog.of(em).getMarked(entity);
  const table = tableName(em, marked.meta);
  if (!('column' in marked)) {
    const [row] = await em.execute<[RowCount]>(
      `select (select count(*)::int from ${table}) as active, count(*)::int as deleted from ${archiveTable(em)} where "part" = ?`,
      [marked.meta.root.className],
    );
    return row;
  }
  const deleted = em.getPlatform().quoteIdentifier(marked.column);
  const [row] = await em.execute<[RowCount]>(
    `select (count(*) - count(${deleted}))::int as active, count(${deleted})::int as deleted from ${table}`,
  );
  return row;
}
