import type { PurgeTable } from '../key-graph.js';
import type { QuoteValue } from './path-sql.js';
import { keyListSql, sameKeySql } from './row-sql.js';

/** Removes rows that went along with purged ones. @internal */
export function deleteCompanions(table: PurgeTable, keys: readonly string[], quote: QuoteValue): string {
  return `delete from ${table.name} as p using ${keyListSql(table, keys, quote)} where ${sameKeySql(table, 'p')}`;
}
