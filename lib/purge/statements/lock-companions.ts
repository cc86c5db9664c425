import type { PurgeTable } from '../plan/key-graph.js';
import { keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** Locks rows that are to go along, passing over those that somebody else has locked. @internal */
export function lockCompanions(table: PurgeTable, keys: readonly string[], quote: QuoteValue): string {
  return `select ${keySql(table)} as key from ${keyListSql(table, keys, quote)}
join ${table.name} as p on ${sameKeySql(table, 'p')} for update of p skip locked`;
}
