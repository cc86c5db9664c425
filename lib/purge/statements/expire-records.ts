import { unitTextSql } from '../../sql/deleted-at-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** The time before which records are old enough to go, by the database's clock. @internal */
export function readRecordCutoff(retention: number): string {
  const time = `(statement_timestamp() - interval '1 millisecond' * ${retention})`;
  return `select ${unitTextSql(time, 'timestamptz')} as cutoff`;
}

/** Removes some of the records of before a time, the oldest first. @internal */
export function deleteRecords(records: string, cutoff: string, limit: number, quote: QuoteValue): string {
  return `with old as materialized (
  select r."at", r."id" from ${records} as r where r."at" < ${quote(cutoff)}::timestamptz order by r."at" limit ${limit}
)
delete from ${records} as r using old as o where r."at" = o."at" and r."id" = o."id" and r."at" < ${quote(cutoff)}::timestamptz`;
}
