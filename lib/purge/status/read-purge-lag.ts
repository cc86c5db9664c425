import { archiveTable } from '../../archive/snapshot/archive-table.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { schemaName } from '../../metadata/schema-name.js';
import { tableName } from '../../sql/table-name.js';
import type { DueTimes } from '../plan/due-times.js';
import type { PurgePlace } from '../plan/list-places.js';
import { hasNoSchema } from '../plan/has-no-schema.js';
import { milliseconds } from './milliseconds.js';
import { archiveLabel } from './read-archive-status.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PurgeEntityLag } from './purge-lag.js';
import { IN_ORDER } from '../fragments/plan-settings.js';
import { listExisting, type OldestDueRow, readOldestDue, type TimedTable } from '../statements/read-oldest-due.js';

/** In milliseconds. More than a few index entries ever take: without the index tables are read as a whole. */
const TIMEOUT = 10_000;
/** How many tables one statement reads: an application may have thousands of tenants. */
const TABLES_AT_ONCE = 200;

interface LaggingTable extends TimedTable {
  readonly place: PurgePlace;
  readonly entity: string;
  readonly label: string;
  readonly date: Date;
}

/** How far behind an entity is, and where. @internal */
export interface PlacedLag {
  readonly place: PurgePlace;
  readonly lag: PurgeEntityLag;
}

/**
 * Reads the oldest due row of each entity in each of its schemas, blocked or not: one index entry each, and nothing of the catalog but
 * whether the tables of tenants are there.
 *
 * @internal
 */
export async function readPurgeLag(
  places: readonly PurgePlace[],
  connection: PurgeConnection,
  { cutoffs }: DueTimes,
): Promise<PlacedLag[]> {
  const tables = places.flatMap((place) => tablesAt(place, cutoffs));
  const lags: PlacedLag[] = [];
  for (let first = 0; first < tables.length; first += TABLES_AT_ONCE) {
    const some = await keepExisting(connection, tables.slice(first, first + TABLES_AT_ONCE));
    const rows =
      some.length > 0
        ? await connection.read<OldestDueRow>(readOldestDue(some, connection.quote), IN_ORDER, TIMEOUT)
        : [];
    some.forEach(({ place, entity, label, date }, e) => {
      const found = rows.find((row) => row.e === e);
      const oldestDue = found && new Date(milliseconds(found.oldest));
      const overdueBy = oldestDue ? Math.max(0, date.getTime() - oldestDue.getTime()) : 0;
      lags.push({ place, lag: { entity, table: label, cutoff: date, oldestDue, overdueBy } });
    });
  }
  return lags;
}

/** Without the tables that a tenant lacks. */
async function keepExisting(connection: PurgeConnection, tables: readonly LaggingTable[]): Promise<LaggingTable[]> {
  const ofTenants = tables.filter(({ place }) => place.schema !== undefined);
  if (ofTenants.length === 0) {
    return [...tables];
  }
  const rows = await connection.read<{ e: number }>(listExisting(ofTenants, connection.quote));
  const there = new Set(rows.map(({ e }) => ofTenants[e]!));
  return tables.filter((table) => table.place.schema === undefined || there.has(table));
}

function tablesAt(place: PurgePlace, cutoffs: DueTimes['cutoffs']): LaggingTable[] {
  const { em, entities } = place;
  const catalog = SoftDeleteCatalog.of(em);
  const isAsked = ({ name }: { readonly name: string }) => !entities || entities.includes(name);
  const quote = (text: string) => String(em.getPlatform().quoteValue(text));
  const withCutoff = (entity: string, label: string, table: string, deletedAt: string): LaggingTable[] => {
    const cutoff = cutoffs.get(entity);
    return cutoff ? [{ place, entity, label, date: cutoff.date, table, deletedAt, cutoff: cutoff.text }] : [];
  };
  const marked = catalog
    .all()
    .filter((entry) => isAsked(entry) && !hasNoSchema(em, entry.meta))
    .flatMap(({ name, meta, column }) => {
      const schema = schemaName(em, meta);
      const label = schema === undefined || schema === 'public' ? meta.tableName : `${schema}.${meta.tableName}`;
      return withCutoff(name, label, tableName(em, meta), em.getPlatform().quoteIdentifier(column));
    });
  const archived = catalog
    .allArchived()
    .filter(isAsked)
    .flatMap(({ name }) =>
      withCutoff(
        name,
        archiveLabel(em),
        `(select a."unit" from ${archiveTable(em)} as a where a."entity" = ${quote(name)})`,
        '"unit"',
      ),
    );
  return [...marked, ...archived];
}
