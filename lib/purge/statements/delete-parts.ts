import type { PurgeTable } from '../plan/key-graph.js';
import type { ReferencePath } from '../plan/purge-planner.js';
import { equal, names, pathSql, rowsSql } from '../fragments/path-sql.js';
import { keyListSql, sameKeySql } from '../fragments/row-sql.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** Removes the rows that a relation declares to be parts of the given rows. @internal */
export function deleteParts(
  owner: PurgeTable,
  keys: readonly string[],
  part: ReferencePath,
  quote: QuoteValue,
): string {
  const { tables, last, where } = pathSql(part, quote);
  const { from, parts, isInheritance, action } = part.hops.at(-1)!.reference;
  const isDeclared = isInheritance || action === 'cascade' || parts.length === 0;
  const declared = isDeclared ? [] : [`(${parts.map((rows) => rowsSql(last, rows, quote)).join(' or ')})`];
  return `delete from ${from.name} as x using (
  select distinct ${names(from.key)
    .map((column) => `${last}.${column}`)
    .join(', ')}
  from ${keyListSql(owner, keys, quote)} join ${owner.name} as p on ${sameKeySql(owner, 'p')}, ${tables}
  where ${[...where, ...declared].join(' and ')}
) as y where ${equal('x', names(from.key), 'y', names(from.key)).join(' and ')}`;
}
