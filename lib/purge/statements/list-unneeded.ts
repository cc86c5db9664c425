import type { PurgeTable } from '../plan/key-graph.js';
import type { ReferencePath } from '../plan/purge-planner.js';
import { existsSql } from '../fragments/path-sql.js';
import { keyListSql, keySql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** Those of the locked rows that nothing references any more. @internal */
export function listUnneeded(
  table: PurgeTable,
  keys: readonly string[],
  blockers: readonly ReferencePath[],
  quote: QuoteValue,
): string {
  const free = blockers.map((path) => `not ${existsSql(path, undefined, quote)}`);
  return `select ${keySql(table)} as key from ${keyListSql(table, keys, quote)}
join ${table.name} as p on ${sameKeySql(table, 'p')}${free.length > 0 ? ` where ${free.join(' and ')}` : ''}`;
}
