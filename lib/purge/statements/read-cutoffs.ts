import type { QuoteValue } from './path-sql.js';

/** @internal */
export interface CutoffRow {
  /** UTC, to the microsecond. */
  readonly now: string;
  /** The same, one per given length of time. */
  readonly cutoffs: readonly string[];
}

/** The times that lie the given numbers of milliseconds before now, all from one reading of the database's clock. @internal */
export function readCutoffs(milliseconds: readonly number[], quote: QuoteValue): string {
  const text = (time: string) => `to_char(${time} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;
  return `select ${text('now()')} as now,
  (select coalesce(jsonb_agg(${text('(now() - make_interval(secs => r.ms::float8 / 1000))')} order by r.n), '[]')
   from jsonb_array_elements_text(${quote(JSON.stringify(milliseconds))}::jsonb) with ordinality as r(ms, n)) as cutoffs`;
}
