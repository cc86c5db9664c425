import type { QuoteValue } from '../../sql/quote-value.js';

/** The time before which records are old enough to go, by the database's clock. @internal */
export function readRecordCutoff(retention: number): string {
  const time = `statement_timestamp() - interval '1 millisecond' * ${retention}`;
  return `select to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' as cutoff`;
}

/** The months of a partitioned table that end before a time, and that the current role may drop. @internal */
export function listOldMonths(records: string, cutoff: string, quote: QuoteValue): string {
  const end = `substring(pg_get_expr(p.relpartbound, p.oid) from $$TO \\('(.*)'\\)$$)::timestamptz`;
  return `select p.oid::regclass::text as month
from pg_inherits as i join pg_class as p on p.oid = i.inhrelid join pg_class as t on t.oid = i.inhparent
where i.inhparent = ${quote(records)}::regclass and ${end} <= ${quote(cutoff)}::timestamptz
  and pg_has_role(p.relowner, 'usage') and pg_has_role(t.relowner, 'usage')
order by ${end}`;
}

/** @internal */
export function dropMonth(month: string): string {
  return `drop table ${month}`;
}

/** Removes some of the records of before a time, the oldest first. @internal */
export function deleteRecords(records: string, cutoff: string, limit: number, quote: QuoteValue): string {
  return `with old as materialized (
  select r."at", r."id" from ${records} as r where r."at" < ${quote(cutoff)}::timestamptz order by r."at" limit ${limit}
)
delete from ${records} as r using old as o where r."at" = o."at" and r."id" = o."id" and r."at" < ${quote(cutoff)}::timestamptz`;
}
