import type { DeletedRows } from '../plan/key-graph.js';
import { dueSql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** @internal */
export interface StatusRow {
  readonly deleted: string;
  readonly due: string;
  /** Milliseconds since the epoch. */
  readonly oldestDue: string | null;
}

/** How many rows of an entity are deleted and how many of them are due. @internal */
export function readStatus(rows: DeletedRows, cutoff: string | undefined, quote: QuoteValue): string {
  const due = cutoff === undefined ? 'false' : dueSql(rows, cutoff, quote);
  const { name } = rows.deletedAt;
  const zoned = rows.deletedAt.type === 'timestamp without time zone' ? `p.${name} at time zone 'UTC'` : `p.${name}`;
  return `select count(*)::text as deleted, (count(*) filter (where ${due}))::text as due,
  (extract(epoch from min(${zoned}) filter (where ${due})) * 1000)::text as "oldestDue"
from ${rows.table.name} as p where p.${name} is not null`;
}
