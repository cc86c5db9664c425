import type { PurgeTable } from '../key-graph.js';
import type { ReferencePath } from '../purge-planner.js';
import { existsSql, type QuoteValue } from './path-sql.js';
import { keyListSql, keySql, sameKeySql } from './row-sql.js';

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
