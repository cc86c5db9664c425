import type { PurgeTable } from '../plan/key-graph.js';
import { equal, names } from '../fragments/path-sql.js';
import { keyListSql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** How many of the given rows have a part of themselves in another table of their hierarchy. */
export function countSubtable(
  root: PurgeTable,
  keys: readonly string[],
  subtable: PurgeTable,
  quote: QuoteValue,
): string {
  const same = equal('x', names(subtable.key), 'p', names(root.key)).join(' and ');
  return `select count(*)::int as rows from ${keyListSql(root, keys, quote)}
join ${root.name} as p on ${sameKeySql(root, 'p')} join ${subtable.name} as x on ${same}`;
}
