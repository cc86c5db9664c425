import type { QuoteValue } from '../../sql/quote-value.js';

/** An entity of which only the table and the time of deletion matter. @internal */
export interface TimedTable {
  /** The quoted name with its schema. */
  readonly table: string;
  /** Quoted. */
  readonly deletedAt: string;
  /** UTC, to the microsecond. */
  readonly cutoff: string;
}

/** @internal */
export interface OldestDueRow {
  /** The position of the table. */
  readonly e: number;
  /** Milliseconds since the epoch. */
  readonly oldest: string;
}

/**
 * The time of deletion of the oldest due row of each table: one entry of the purge index. The cut-off has no type, so that it takes that
 * of the column: one without time zone holds UTC and ignores the zone.
 *
 * @internal
 */
export function readOldestDue(tables: readonly TimedTable[], quote: QuoteValue): string {
  return tables
    .map(
      (
        { table, deletedAt, cutoff },
        e,
      ) => `(select ${e} as e, (extract(epoch from p.${deletedAt}) * 1000)::text as oldest from ${table} as p
where p.${deletedAt} < ${quote(cutoff)} order by p.${deletedAt} limit 1)`,
    )
    .join('\nunion all ');
}

/** The positions of the tables that are in the database. @internal */
export function listExisting(tables: readonly TimedTable[], quote: QuoteValue): string {
  const names = tables.map(({ table }, e) => `(${e}, ${quote(table)})`);
  return `select e from (values ${names.join(', ')}) as t(e, name) where to_regclass(name) is not null order by e`;
}
