import type { ServerFacts, TableFacts, TablePart } from '../statements/read-table-facts.js';
import type { PurgeColumn } from './key-graph.js';

/** How many rows make a table large: below that, vacuum and statistics keep up by themselves. @internal */
export const LARGE = 1_000_000;
/** After how many removed rows a vacuum should come, and a count for the statistics. */
const VACUUM_AFTER = 100_000;
/** How many partitions take longer to plan for than the rows of a batch take to remove. */
const MANY_PARTITIONS = 256;
/** Of how many partitions the settings are spelled out. */
const NAMED = 3;

/** What would make purging the rows of a table easier on the server, as SQL. @internal */
export function adviseTable(facts: TableFacts, label: string, deletedAt: PurgeColumn | undefined): string[] {
  const late = facts.parts.filter((part) => !isKeptUp(part));
  const more = late.length - NAMED;
  return [
    ...late.slice(0, NAMED).map(adviseVacuum),
    ...(more > 0 ? [`-- the same for ${more} more ${more === 1 ? 'partition' : 'partitions'} of ${label}`] : []),
    ...(facts.partitions > MANY_PARTITIONS
      ? [
          `-- ${label} has ${facts.partitions} partitions, and planning a batch over them takes longer than its rows: ${MANY_PARTITIONS} or fewer are enough for any size`,
        ]
      : []),
    ...(deletedAt && facts.partitionedBy?.includes(deletedAt.name.replaceAll('"', ''))
      ? [
          `-- ${label} is partitioned by the time of deletion, so every deletion and restoration moves a row, and no key can point at it: partition by a hash of the primary key, or by a time that does not change`,
        ]
      : []),
  ];
}

/** The same for all tables, if any is large. @internal */
export function adviseServer({ isVacuuming, writesWholePages, compression }: ServerFacts): string[] {
  return [
    ...(isVacuuming
      ? []
      : [
          `alter system set autovacuum = on; alter system set track_counts = on; select pg_reload_conf(); -- nothing gives the space of purged rows back`,
        ]),
    ...(writesWholePages
      ? [
          `alter system set wal_compression = ${compression}; select pg_reload_conf(); -- most of what a purge writes to the log are images of whole pages`,
        ]
      : []),
  ];
}

function isKeptUp({ isVacuumed, rows, vacuumShare, analyzeShare }: TablePart): boolean {
  // Twice as many are no reason to do anything.
  const limit = (2 * VACUUM_AFTER) / rows;
  return isVacuumed && vacuumShare <= limit && analyzeShare <= limit;
}

function adviseVacuum({ name, rows, isVacuumed, vacuumShare }: TablePart): string {
  const share = Number((VACUUM_AFTER / rows).toPrecision(1));
  const settings = [
    ...(isVacuumed ? [] : ['autovacuum_enabled = on']),
    `autovacuum_vacuum_scale_factor = ${share}`,
    `autovacuum_analyze_scale_factor = ${share}`,
  ];
  const now = isVacuumed ? `once ${Math.round(rows * vacuumShare).toLocaleString('en')} rows are gone` : 'never';
  return `alter table ${name} set (${settings.join(', ')}); -- it is vacuumed ${now}, and until then the planner expects purged rows`;
}
