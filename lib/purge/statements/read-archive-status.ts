import type { QuoteValue } from '../../sql/quote-value.js';

/** How many rows of an entity are in the archive and how many of them are due. Rows that were removed along with them do not count. @internal */
export function readArchiveStatus(
  archive: string,
  entity: string,
  cutoff: string | undefined,
  quote: QuoteValue,
): string {
  const due = cutoff === undefined ? 'false' : `a."unit" < cast(${quote(cutoff)} as timestamptz)`;
  return `select count(*)::text as deleted, (count(*) filter (where ${due}))::text as due,
  (extract(epoch from min(a."unit") filter (where ${due})) * 1000)::text as "oldestDue"
from ${archive} as a where a."entity" = ${quote(entity)} and a."part" = ${quote(entity)}`;
}

/** @internal */
export interface ForBrakeRow {
  readonly due: number;
  readonly others: number;
}

/** Counts rows of an entity, due and not, in the archive and in their table, none further than a limit. @internal */
export function countForBrake(
  { archive, table, entity, cutoff }: { archive: string; table: string; entity: string; cutoff: string },
  limit: number,
  quote: QuoteValue,
): string {
  const own = `a."entity" = ${quote(entity)} and a."part" = ${quote(entity)}`;
  const isDue = `a."unit" < cast(${quote(cutoff)} as timestamptz)`;
  const count = (rows: string) => `(select count(*)::int from (${rows} limit ${limit}) as d)`;
  return (
    `select ${count(`select from ${archive} as a where ${own} and ${isDue}`)} as due, ` +
    `${count(`select from ${archive} as a where ${own} and not ${isDue}`)} + ${count(`select from ${table}`)} as others`
  );
}
