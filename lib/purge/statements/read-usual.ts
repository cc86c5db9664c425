import type { QuoteValue } from '../../sql/quote-value.js';

/** How many of the latest runs tell what is usual. */
const RUNS = 100;

/** @internal */
export interface UsualRow {
  readonly runs: number;
  readonly median: number | null;
}

/**
 * How many rows of an entity runs have removed. All batches of one run are recorded with the same cut-off, which no other run has.
 *
 * @param records - the table of records
 * @internal
 */
export function readUsual(records: string, entity: string, quote: QuoteValue): string {
  return `select count(*)::int as runs, percentile_cont(0.5) within group (order by purged)::float8 as median from (
  select sum(r."count") as purged from ${records} as r
  where r."entity" = ${quote(entity)} and r."action" = 'purged' and r."unit" is not null
  group by r."unit" order by r."unit" desc limit ${RUNS}
) as run`;
}
