import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import { tableName } from '../../metadata/table-name.js';

/**
 * How many milliseconds ago, by the database's clock, the row deleted first was deleted; `undefined` if none is deleted.
 * Reads one entry of the purge index.
 *
 * @internal
 */
export async function readOldestDeletion(
  em: EntityManager,
  { meta, column }: SoftDeletableEntityMetadata,
): Promise<number | undefined> {
  const name = em.getPlatform().quoteIdentifier(column);
  const [row] = await em.execute<{ ago: string | null }[]>(
    `select extract(epoch from now() - min(${name})) * 1000 as ago from ${tableName(em, meta)} where ${name} is not null`,
  );
  return row?.ago == null ? undefined : Number(row.ago);
}
