import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import { tableName } from '../../sql/table-name.js';

/**
 * How many milliseconds ago, by the database's clock, the row deleted first was deleted, for each of the entities that has
 * deleted rows. One query, which reads one entry of each purge index.
 *
 * @internal
 */
export async function readOldestDeletions(
  em: EntityManager,
  entries: readonly SoftDeletableEntityMetadata[],
): Promise<Map<SoftDeletableEntityMetadata, number>> {
  const ages = new Map<SoftDeletableEntityMetadata, number>();
  if (entries.length === 0) {
    return ages;
  }
  const selects = entries.map(({ meta, column }, position) => {
    const name = em.getPlatform().quoteIdentifier(column);
    return `select ${position} as position, extract(epoch from now() - min(${name})) * 1000 as ago from ${tableName(em, meta)} where ${name} is not null`;
  });
  const rows = await em.execute<{ position: number; ago: string | null }[]>(selects.join(' union all '));
  for (const { position, ago } of rows) {
    if (ago !== null) {
      ages.set(entries[position]!, Number(ago));
    }
  }
  return ages;
}
