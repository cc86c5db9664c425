import type { EntityManager } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import type { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { tableName } from '../../sql/table-name.js';
import { readDueTimes } from '../plan/due-times.js';
import { hasNoSchema } from '../plan/has-no-schema.js';
import { milliseconds } from './milliseconds.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeEntityLag, PurgeLag } from './purge-lag.js';
import { IN_ORDER } from '../fragments/plan-settings.js';
import { type OldestDueRow, readOldestDue } from '../statements/read-oldest-due.js';

/** In milliseconds. More than a few index entries ever take: without the index tables are read as a whole. */
const TIMEOUT = 10_000;

/**
 * Reads the oldest due row of each entity, blocked or not: one index entry each, and nothing of the catalog.
 *
 * @internal
 */
export async function readPurgeLag(
  em: EntityManager,
  connection: PurgeConnection,
  catalog: SoftDeleteCatalog,
  byDefault: number | 'forever',
): Promise<PurgeLag> {
  const entities = [...catalog.all(), ...catalog.allArchived()];
  const { now, cutoffs } = await readDueTimes(connection, entities, byDefault);
  const purged = entities.flatMap((entity) => {
    const cutoff = 'column' in entity && hasNoSchema(em, entity.meta) ? undefined : cutoffs.get(entity.name);
    return cutoff ? [{ entity, cutoff }] : [];
  });
  const archived = (name: string) =>
    `(select a."unit" from ${archiveTable(em)} as a where a."entity" = ${connection.quote(name)})`;
  const tables = purged.map(({ entity, cutoff }) => ({
    table: 'column' in entity ? tableName(em, entity.meta) : archived(entity.name),
    deletedAt: 'column' in entity ? em.getPlatform().quoteIdentifier(entity.column) : '"unit"',
    cutoff: cutoff.text,
  }));
  const rows =
    tables.length > 0
      ? await connection.read<OldestDueRow>(readOldestDue(tables, connection.quote), IN_ORDER, TIMEOUT)
      : [];
  return {
    at: now,
    entities: purged.map(({ entity, cutoff }, e): PurgeEntityLag => {
      const found = rows.find((row) => row.e === e);
      const oldestDue = found && new Date(milliseconds(found.oldest));
      const overdueBy = oldestDue ? Math.max(0, cutoff.date.getTime() - oldestDue.getTime()) : 0;
      return { entity: entity.name, cutoff: cutoff.date, oldestDue, overdueBy };
    }),
  };
}
