import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';

/**
 * The numbers of active and of deleted rows in a table.
 *
 * @publicApi
 */
export interface RowCount {
  readonly active: number;
  readonly deleted: number;
}

/**
 * Counts the rows of an entity's table with raw SQL, so that a test does not rely on the filter that it tests. A row that is in neither
 * number has been removed for good.
 *
 * @throws NotSoftDeletableError if the entity is not marked or unknown to the ORM
 * @publicApi
 */
export async function countRows(em: EntityManager, entity: AnyEntityName): Promise<RowCount> {
  const { meta, column } = SoftDeleteCatalog.of(em).get(entity);
  const deleted = em.getPlatform().quoteIdentifier(column);
  const [row] = await em.execute<[{ active: number; deleted: number }]>(
    `select (count(*) - count(${deleted}))::int as active, count(${deleted})::int as deleted from ${tableName(em, meta)}`,
  );
  return row;
}
