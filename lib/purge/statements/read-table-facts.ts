import type { PurgeTable } from '../plan/key-graph.js';

/** What of a table and its server decides how well a purge goes. @internal */
export interface TableFacts {
  /** The table's id. */
  readonly id: string;
  /** The parts that hold its rows: itself, or its partitions, the largest first and none but the large ones. */
  readonly parts: readonly TablePart[];
  /** How many partitions it has. */
  readonly partitions: number;
  /** What its partitions are told apart by, such as `RANGE (created_at)`. */
  readonly partitionedBy: string | null;
}

/** @internal */
export interface TablePart {
  /** The quoted name. */
  readonly name: string;
  /** How many rows it has, as far as the database knows. */
  readonly rows: number;
  readonly isVacuumed: boolean;
  /** After what share of its rows was removed it is vacuumed. */
  readonly vacuumShare: number;
  /** After what share of its rows was changed they are counted again. */
  readonly analyzeShare: number;
}

/** @internal */
export interface ServerFacts {
  readonly isVacuuming: boolean;
  /** Whether page images go into the log uncompressed. */
  readonly writesWholePages: boolean;
  /** How they can be compressed, the best way first. */
  readonly compression: string;
}

/** Reads them from the catalog, for some tables. */
export function readTableFacts(tables: readonly PurgeTable[], largeFrom: number): string {
  const ids = tables.map(({ id }) => id).join(', ');
  const option = (name: string, otherwise: string) =>
    `coalesce((select o.option_value from pg_options_to_table(c.reloptions) as o where o.option_name = '${name}'), ${otherwise})`;
  const share = (name: string) => `${option(name, `current_setting('${name}')`)}::float8`;
  return `select t.oid::text as id, pg_get_partkeydef(t.oid) as "partitionedBy",
  (select count(*)::int from pg_partition_tree(t.oid) as p where p.isleaf and p.parentrelid is not null) as partitions,
  (select coalesce(jsonb_agg(part order by part.rows desc), '[]') from (
    select c.oid::regclass::text as name, greatest(c.reltuples, 0)::float8 as rows,
      ${option('autovacuum_enabled', "'true'")}::bool as "isVacuumed",
      ${share('autovacuum_vacuum_scale_factor')} as "vacuumShare",
      ${share('autovacuum_analyze_scale_factor')} as "analyzeShare"
    from pg_class as c
    where c.reltuples >= ${largeFrom} and (c.oid = t.oid or c.oid in (select p.relid from pg_partition_tree(t.oid) as p where p.isleaf))
  ) as part) as parts
from pg_class as t where t.oid in (${ids})`;
}

/** The same of the server. @internal */
export function readServerFacts(): string {
  return `select current_setting('autovacuum')::bool and current_setting('track_counts')::bool as "isVacuuming",
  current_setting('full_page_writes')::bool and current_setting('wal_compression') in ('off', 'false', '0') as "writesWholePages",
  case when 'lz4' = any(enumvals) then 'lz4' else 'on' end as compression
from pg_settings where name = 'wal_compression'`;
}
