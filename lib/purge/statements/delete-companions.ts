import type { PurgeTable } from '../plan/key-graph.js';
import { keyListSql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** Removes rows that went along with purged ones. @internal */
export function deleteCompanions(table: PurgeTable, keys: readonly string[], quote: QuoteValue): string {
  return `delete from ${table.name} as p using ${keyListSql(table, keys, quote)} where ${sameKeySql(table, 'p')}`;
}
