import type { PurgeTable } from '../key-graph.js';
import type { QuoteValue } from './path-sql.js';
import { keyListSql, keySql, sameKeySql } from './row-sql.js';

/** Locks rows that are to go along, passing over those that somebody else has locked. @internal */
export function lockCompanions(table: PurgeTable, keys: readonly string[], quote: QuoteValue): string {
  return `select ${keySql(table)} as key from ${keyListSql(table, keys, quote)}
join ${table.name} as p on ${sameKeySql(table, 'p')} for update of p skip locked`;
}
